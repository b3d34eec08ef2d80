/*
 * Plays tests against code with one mistake in it: takes a `Play` by message, answers an `Outcome`. One Vitest for all
 * of them, which puts the mistake into the module as it is loaded; files stay as they are.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createVitest, type Vitest } from 'vitest/node';
import type { Outcome, Play } from './mutation.ts';

const root = join(import.meta.dirname, '../..');

let change: Play['change'];
let loaded = false;

const mutate = {
  name: 'mutate',
  enforce: 'pre' as const,
  transform(code: string, id: string): string | undefined {
    if (!change || id !== join(root, change.file)) return undefined;
    loaded = true;
    return code.replace(change.replace, () => change!.by);
  },
};

const vitest = await createVitest(
  'test',
  {
    config: false,
    root,
    watch: false,
    include: ['test/**/*.test.ts'],
    reporters: [{}],
    silent: true,
    maxWorkers: 1,
    // A thread is there sooner than a process.
    pool: 'threads',
    testTimeout: 60_000,
    // For the lives of whole devices, which start a cloud.
    hookTimeout: 250_000,
    globalSetup: ['test/support/synthesis.ts', 'test/support/fuse/setup.ts'],
  },
  { plugins: [mutate], logLevel: 'error' },
);

process.on('message', (play: Play) => void playOne(vitest, play).then((outcome) => process.send!(outcome)));
process.on('disconnect', () => void vitest.close().finally(() => process.exit()));
process.send!('ready');

async function playOne(runner: Vitest, play: Play): Promise<Outcome> {
  const nothing = { passed: 0, failures: [] };
  const { file, replace } = play.change ?? {};
  if (file && readFileSync(join(root, file), 'utf8').split(replace!).length !== 2) {
    return { problem: `${file} does not have «${replace}» once: bring the mutation up to date`, ...nothing };
  }
  change = play.change;
  loaded = false;
  if (file) runner.invalidateFile(join(root, file));
  const testNamePattern = new RegExp(`(^|\\s)(${play.names.map(literally).join('|')})$`);
  const specification = runner
    .getRootProject()
    .createSpecification(join(root, `test/${play.testFile}.test.ts`), { testNamePattern });
  const { testModules } = await runner.runTestSpecifications([specification]);
  if (file) runner.invalidateFile(join(root, file));
  const module = testModules.find(({ moduleId }) => moduleId === specification.moduleId)!;
  const results = [...module.children.allTests()].map((each) => each.result());
  const outcome = {
    passed: results.filter(({ state }) => state === 'passed').length,
    failures: [...results, { errors: module.errors() }].flatMap(({ errors = [] }) =>
      errors.map(({ message }) => message),
    ),
  };
  if (outcome.passed + outcome.failures.length === 0) {
    return { problem: `${play.testFile} has no test '${play.names}'`, ...outcome };
  }
  if (file && !loaded) return { problem: `${play.testFile} does not load ${file}`, ...outcome };
  return { problem: '', ...outcome };
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
