import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const module = pathToFileURL(join(import.meta.dirname, '../../cli/run-program.ts'));

/** A program whose only command does this. */
function run(action: string, env: NodeJS.ProcessEnv = {}) {
  const code = `
    import { Command } from 'commander';
    import { runProgram } from '${module}';
    const program = new Command('example').exitOverride();
    program.command('it').action(async () => { ${action} });
    await runProgram(program, () => undefined, () => undefined);`;
  const words = ['--input-type=module', '--eval', code, 'it'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, {
    cwd: import.meta.dirname,
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const fault =
  'example: undefined.x. That is a fault of example: report it, with what it says when TIDEMARK_TRACE=1 is set.\n';

test.each([
  ['in a command', "throw new TypeError('undefined.x')"],
  [
    'later, where nobody waits for it',
    "setTimeout(() => { throw new TypeError('undefined.x') }); await new Promise(() => setInterval(() => {}, 1000));",
  ],
  [
    'in a promise that nobody waits for',
    "void Promise.reject(new TypeError('undefined.x')); await new Promise(() => setInterval(() => {}, 1000));",
  ],
])('what nobody thought of, %s, ends a program in words, and shows where it was to who asks for that', (_, action) => {
  expect(run(action)).toEqual({ status: 1, stdout: '', stderr: fault });
  expect(run(action, { TIDEMARK_TRACE: '1' }).stderr).toMatch(/^example: TypeError: undefined.x\n {4}at /);
});
