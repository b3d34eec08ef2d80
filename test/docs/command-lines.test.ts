import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { cdnKinds } from '../../preflight/cdn-names.ts';
import { installTools, pythonIsThere, toolCommand } from '../support/python/tools.ts';

// A reader who follows the documents command by command: each command is there, with every option that it is given.

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const pages = ['README.md', ...globSync('docs/*.md', { cwd: root })];

/** What is written as code: the lines of blocks, those that go on in the next one as one, and `code` in the text. */
const written = [
  ...new Set(
    pages.flatMap((page) => {
      const text = read(page);
      const blocks = [...text.matchAll(/^ *```sh\n([\s\S]*?)^ *```/gm)].map(([, block]) => block!);
      const inline = text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/`([^`\n]+)`/g);
      return [
        ...blocks.flatMap((block) => block.replace(/\\\n\s*/g, ' ').split('\n')),
        ...[...inline].map(([, code]) => code!),
      ];
    }),
  ),
];

/** Every command of that name, from its first word to what ends it in a shell. */
function commands(pattern: RegExp): string[] {
  const found = written.flatMap((line) => [...line.matchAll(pattern)].map((match) => line.slice(match.index)));
  return [...new Set(found.map((line) => line.split(/ #|[;|)]| && | > /)[0]!.trim()))];
}

function optionsOf(command: string): string[] {
  return [...command.matchAll(/(?<=\s)--[a-z][a-z-]*/g)].map(([option]) => option).filter((one) => one !== '--help');
}

const helps = new Map<string, string>();
function helpOf(...words: string[]): string {
  const key = words.join(' ');
  const known = helps.get(key);
  if (known !== undefined) return known;
  const { stdout, stderr } = spawnSync(process.execPath, [...words, '--help'], { cwd: root, encoding: 'utf8' });
  helps.set(key, stdout + stderr);
  return stdout + stderr;
}

const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

test.each(commands(/(?<![\w/-])npm (?:run [a-z]|start|test)/g))('%s', (command) => {
  const [, name] = /^npm (?:run )?([\w:]+)/.exec(command)!;
  expect(scripts).toHaveProperty(name!);
  const given = command.split(' -- ')[1] ?? '';
  const options = optionsOf(` ${given}`);
  if (options.length === 0) return;
  const [, file] = /^node (\S+)$/.exec(scripts[name!]!)!;
  // A benchmark says its own options.
  const words = /^[a-z]\S*/.exec(given) ?? [];
  for (const option of options) expect(helpOf(file!, ...words)).toContain(option);
});

const programs: Readonly<Record<string, string>> = { tidemark: 'client/main.ts', 'tidemark-admin': 'admin/main.ts' };

test.each(commands(/(?<![\w/-])tidemark(?:-admin)? [a-z-]/g))('%s', (command) => {
  const [program, ...words] = command.replace(/ --function \S+/, '').split(' ');
  const path = [words[0]!, ...(['users', 'shard'].includes(words[0]!) && words[1] ? [words[1]] : [])];
  const help = helpOf(programs[program!]!, ...path);
  expect(help).toContain(`Usage: ${[program, ...path].join(' ')} `);
  for (const option of optionsOf(command.replace(/ --function \S+/, ''))) expect(help).toContain(option);
});

describe('the help of the client', () => {
  const [, list = ''] = helpOf(programs.tidemark!).split('\nCommands:\n');
  const listed = [...list.split('\n\n')[0]!.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, name]) => name!);
  const names = listed.filter((name) => name !== 'help');
  /** What it prints is for a shell, and what its own commands print. */
  const withoutJson = ['completion', 'service'];

  test('lists its commands', () => expect(names.length).toBeGreaterThan(20));

  test.each(names)('of %s has examples, with options that there are', (name) => {
    const [options, examples] = helpOf(programs.tidemark!, name).split('\nExamples\n');
    expect(examples).toMatch(new RegExp(`tidemark (--config \\S+ )?${name}`));
    const own = examples!.split('\n').filter((line) => line.includes(`tidemark ${name} `));
    for (const option of own.flatMap(optionsOf)) expect(options).toContain(option);
    if (!withoutJson.includes(name)) expect(options).toContain('--json');
  });
});

test('each command of cdk is one', () => {
  const verbs = new Set(commands(/(?<![\w/-])cdk [a-z]/g).map((command) => command.split(' ')[1]!));
  expect(verbs.size).toBeGreaterThan(3);
  const help = helpOf('node_modules/aws-cdk/bin/cdk');
  for (const verb of verbs) expect(help).toMatch(new RegExp(`^ +cdk ${verb}\\b`, 'm'));
});

describe.runIf(pythonIsThere)('commands of AWS', () => {
  beforeAll(() => installTools(), 300_000);

  function problems(lines: readonly string[]): string[] {
    const program = join(root, 'test/support/python/aws_commands.py');
    const { stdout, stderr, status } = spawnSync(toolCommand('python'), [program], {
      input: lines.join('\n'),
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(stderr);
    return stdout.split('\n').filter((line) => line !== '');
  }

  test('are those of its services, with the parameters that they take', () => {
    const ofPreflight = Object.values(cdnKinds).flatMap(({ kind }) => [
      `aws cloudfront get-${kind} --id ID --query ETag`,
      `aws cloudfront delete-${kind} --id ID --if-match ETAG`,
    ]);
    const ofSmoke = [...read('smoke/checklist.ts').matchAll(/'(aws [^"']+)/g)].map(([, line]) => line!);
    const all = [...commands(/(?<![\w/:-])aws [a-z]/g), ...ofPreflight, ...ofSmoke];
    expect(all.length).toBeGreaterThan(20);
    expect(problems(all)).toEqual([]);
  });

  test('are refused where AWS has none such', () => {
    expect(problems(['aws rds restore --x', 'aws rds wait db-cluster-gone', 'aws kafka list-nodes --arn A'])).toEqual([
      expect.stringContaining('no operation restore'),
      expect.stringContaining('no operation wait db-cluster-gone'),
      expect.stringContaining('no parameter --arn'),
    ]);
  });
});
