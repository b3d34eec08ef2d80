import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How a program ended. */
export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a program says, and how it ends. */
export async function endOf(child: ChildProcess): Promise<Ended> {
  let [stdout, stderr] = ['', ''];
  child.stdout!.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr!.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

/** The home of somebody who has nothing but what the system brings; the test removes the folder that it is in. */
export class Home {
  readonly path: string;
  /** Where `tidemark` is, or will be. */
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;

  private constructor(path: string, program: string, env: Readonly<Record<string, string>>) {
    this.path = path;
    this.program = program;
    this.env = { HOME: path, PATH: `${path}/bin:/usr/bin:/bin`, ...env };
  }

  static async in(folder: string, program = '.local/bin/tidemark', env = {}): Promise<Home> {
    const path = await mkdtemp(join(folder, 'home-'));
    return new Home(path, join(path, program), env);
  }

  /** Starts a program there, without a terminal. */
  start(program: string, words: readonly string[]): ChildProcess {
    return spawn(program, words, { env: this.env, cwd: this.path, detached: true });
  }

  /** Runs one to its end. */
  run(program: string, words: readonly string[], input = ''): Promise<Ended> {
    const child = this.start(program, words);
    // A program that ends before it has read all of that says so by its exit code.
    child.stdin!.on('error', () => undefined).end(input);
    return endOf(child);
  }

  shell(line: string, input = ''): Promise<Ended> {
    return this.run('sh', ['-c', line], input);
  }

  tidemark(words: readonly string[], input = ''): Promise<Ended> {
    return this.run(this.program, words, input);
  }

  async version(): Promise<string> {
    return (await this.tidemark(['--version'])).stdout.trim();
  }

  get #configuration(): string {
    return join(this.path, '.config/tidemark/config.json');
  }

  async configuration(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(this.#configuration, 'utf8'));
  }

  /** Changes what the signed-in device keeps. */
  async configure(change: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFile(this.#configuration, JSON.stringify({ ...(await this.configuration()), ...change }));
  }
}
