import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const requirements = join(import.meta.dirname, 'requirements.txt');
const environment = join(import.meta.dirname, '../../../.tidemark/python');
const commands = join(environment, 'bin');

/** The interpreter that has the pinned packages, once `installTools` has run. */
export const pythonCommand = toolCommand('python');

/** A command of the pinned packages, once `installTools` has run. */
export function toolCommand(name: string): string {
  return join(commands, name);
}

/** SAM CLI, cfn-lint and Schemathesis come from PyPI. CI must have Python. */
export const pythonIsThere =
  process.env.CI === 'true' || spawnSync('python3', ['-c', 'import venv, ensurepip']).status === 0;
if (!pythonIsThere)
  console.warn('Python 3 with venv is missing: the checks by SAM CLI, cfn-lint and Schemathesis do not run here.');

/** Installs the pinned tools below .tidemark/, unless they are there. Takes a minute the first time. */
export function installTools(): void {
  const installed = join(environment, 'requirements.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === readFileSync(requirements, 'utf8')) return;
  rmSync(environment, { recursive: true, force: true });
  mkdirSync(environment, { recursive: true });
  run('python3', '-m', 'venv', environment);
  // Python compiles what is run: most of it never is.
  run(toolCommand('pip'), 'install', '--quiet', '--no-compile', '--requirement', requirements);
  cpSync(requirements, installed);
}

/** Runs a tool as somebody without an AWS account does. */
export function runTool(name: 'python' | 'cfn-lint', ...words: string[]): { status: number | null; output: string } {
  const env = { PATH: process.env.PATH, HOME: environment, SAM_CLI_TELEMETRY: '0' };
  const { status, stdout, stderr } = spawnSync(toolCommand(name), words, { env, encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

function run(command: string, ...words: string[]): void {
  const { status, error } = spawnSync(command, words, { stdio: 'inherit' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')} failed: ${error?.message ?? `exit code ${status}`}`);
}
