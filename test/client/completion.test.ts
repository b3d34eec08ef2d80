import { type ChildProcessWithoutNullStreams, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify, stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

/* What shells offer when somebody presses the tabulator twice. */

const run = promisify(execFile);
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-completion-'));
  await mkdir(join(folder, 'photos'));
  await mkdir(join(folder, 'docs'));
  await writeFile(join(folder, 'list'), '');
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await run(process.execPath, ['client/main.ts', 'completion', shell]);
    await writeFile(join(folder, `.${shell}`), stdout);
  }
});
afterAll(() => rm(folder, { recursive: true }));

const setups = {
  bash: { command: 'bash --norc -i', setup: 'source .bash' },
  zsh: {
    command: 'zsh -f -i',
    setup: "autoload -U compinit; compinit -u -D; zstyle ':completion:*' list-colors; LISTMAX=0; source .zsh",
  },
};

type Shell = keyof typeof setups;

/** A shell on a terminal, which somebody types into. */
class Typist {
  readonly #terminal: ChildProcessWithoutNullStreams;
  #shown = '';

  constructor(shell: Shell) {
    const { command, setup } = setups[shell];
    const env = { ...process.env, PS1: '$ ', TERM: 'dumb', LC_ALL: 'C' };
    this.#terminal = spawn('script', ['-qec', command, '/dev/null'], { cwd: folder, env });
    this.#terminal.stdout.on('data', (text: Buffer) => {
      this.#shown += text.toString();
    });
    this.#terminal.stdin.write(`stty cols 80; ${setup}; echo rea''dy\n`);
  }

  /** What is shown from now on, until that has been shown and nothing more for a while. */
  async #shows(expected: RegExp): Promise<string> {
    for (let before = ''; before !== this.#shown || !expected.test(before); await sleep(500)) before = this.#shown;
    const shown = stripVTControlCharacters(this.#shown).replaceAll('\r', '');
    this.#shown = '';
    return shown;
  }

  ready(): Promise<string> {
    return this.#shows(/ready/);
  }

  /** The words that are offered for the last one of a line. */
  async offered(line: string): Promise<string> {
    this.#terminal.stdin.write(`${line}\t\t`);
    const shown = await this.#shows(/./);
    // Takes the line back.
    this.#terminal.stdin.write('\u0015');
    await this.#shows(/./);
    return shown;
  }

  leave(): void {
    this.#terminal.kill('SIGKILL');
  }
}

const lines = [
  ['tidemark s', ['status', 'sync', 'service'], ['login', 'list']],
  ['tidemark --config photos res', ['restore', 'resume'], ['list', 'login']],
  ['tidemark service ', ['install', 'uninstall', 'stop'], ['login', 'list']],
  ['tidemark sync ', ['photos', 'docs'], ['list', 'login']],
  ['tidemark sync --', ['--once', '--log-file'], ['--keep', 'photos']],
  ['tidemark service status --', ['--json'], ['--once']],
  ['tidemark explain ', ['photos', 'list'], ['login']],
  ['tidemark sync --log-file ', ['list'], ['login']],
  ['tidemark completion ', ['bash', 'zsh', 'fish'], ['list', 'login']],
  ['tidemark devices --rename ', [], ['list', 'login']],
] as const;

function check(shown: string, [line, expected, others]: (typeof lines)[number]): void {
  for (const word of expected) expect(shown, line).toContain(word);
  for (const word of others) expect(shown, line).not.toMatch(new RegExp(`(^|\\s)${word}\\b`));
}

const isThere = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0;
for (const shell of ['bash', 'zsh', 'fish', 'script']) {
  if (!isThere(shell)) console.warn(`${shell} is missing: its completion is not tried.`);
}

for (const shell of ['bash', 'zsh'] as const) {
  test.runIf(isThere(shell) && isThere('script'))(
    `${shell} offers commands, options, words and paths`,
    async () => {
      const typist = new Typist(shell);
      onTestFinished(() => typist.leave());
      await typist.ready();
      for (const line of lines) check(await typist.offered(line[0]), line);
    },
    120_000,
  );
}

test.runIf(isThere('fish'))('fish offers commands, options, words and paths', async () => {
  for (const line of lines) {
    const words = ['-N', '-c', `source .fish; complete -C '${line[0]}'`];
    check((await run('fish', words, { cwd: folder })).stdout, line);
  }
});
