import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SyncEvent } from '../../../protocol/output/sync-event.ts';
import { compileCache } from '../../compile-cache.ts';

const fromSources = join(import.meta.dirname, '../../../client/main.ts');

export interface Account {
  readonly url: string;
  readonly ca: string;
  readonly username: string;
  readonly password: string;
}

/** A device as a user has it: the `tidemark` command, a folder, and a configuration of its own. */
export class Device {
  readonly name: string;
  readonly folder: string;
  /** What its syncs have printed. */
  readonly events: SyncEvent[] = [];
  readonly #config: string;
  readonly #node: readonly string[];
  readonly #program: string;
  readonly #lines = new EventEmitter<{ event: [SyncEvent] }>();
  #process: ChildProcess | undefined;

  /**
   * @param node options of Node for its processes
   * @param program the file of the client
   */
  constructor(
    name: string,
    folder: string,
    config: string,
    {
      node = [],
      program = fromSources,
    }: { readonly node?: readonly string[] | undefined; readonly program?: string } = {},
  ) {
    this.name = name;
    this.folder = folder;
    this.#config = config;
    this.#node = node;
    this.#program = program;
  }

  /** Of the sync that runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** What a person types before the words of a `tidemark` command of this device. */
  get command(): string {
    return `npx tidemark --config ${this.#config}`;
  }

  async signIn(account: Account): Promise<void> {
    await mkdir(this.folder, { recursive: true });
    const words = ['login', account.url, '--user', account.username, '--password-stdin', '--device-name', this.name];
    await this.run([...words, '--ca', account.ca], account.password);
  }

  /** Runs one `tidemark` command to its end and answers what it printed; throws with its message when it fails. */
  async run(words: readonly string[], input = ''): Promise<string> {
    const child = this.#spawn(words);
    let [out, error] = ['', ''];
    child.stdout!.setEncoding('utf8').on('data', (text) => (out += text));
    child.stderr!.setEncoding('utf8').on('data', (text) => (error += text));
    // A program that ends before it has read all of that says so by its exit code.
    child.stdin!.on('error', () => undefined).end(input);
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${this.name}: tidemark ${words[0]} failed:\n${(error || out).trim()}`);
    return out;
  }

  onEvent(listener: (event: SyncEvent) => void): void {
    this.#lines.on('event', listener);
  }

  /** @param words options of `tidemark sync` */
  startSync(onFailure: (reason: string) => void, words: readonly string[] = []): void {
    const child = this.#spawn(['sync', this.folder, '--json', ...words]);
    this.#process = child;
    child.stdin!.end();
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const event = JSON.parse(line) as SyncEvent;
      this.events.push(event);
      this.#lines.emit('event', event);
    });
    let error = '';
    child.stderr!.setEncoding('utf8').on('data', (text) => (error += text));
    child.on('close', (code) => {
      if (this.#process === child) onFailure(`${this.name} stopped syncing (exit code ${code}):\n${error.trim()}`);
    });
  }

  async stopSync(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'close');
  }

  #spawn(words: readonly string[]): ChildProcess {
    return spawn(process.execPath, [...this.#node, this.#program, '--config', this.#config, ...words], {
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
  }
}
