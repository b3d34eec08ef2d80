import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { FunctionDefinition } from './definition.ts';
import type { FromInstance, Invocation, ToInstance } from './messages.ts';

/** What came of an event: the handler's answer, or the error that Lambda answers with. Both are JSON. */
export interface Outcome {
  readonly payload: string;
  readonly failed: boolean;
}

/** One process that runs one function, one event at a time. */
export interface Instance {
  /** Milliseconds from the start of the process until its handler was loaded. */
  readonly coldStartMs: number;
  /** False once the process is gone or has been told to stop. */
  isAlive(): boolean;
  run(invocation: Omit<Invocation, 'type' | 'deadline'>): Promise<Outcome>;
  stop(): Promise<void>;
}

/** Lambda gives a function 10 s to initialize before the clock of its timeout starts. */
const INIT_SECONDS = 10;
/** Shares of a function's memory, as Lambda's own Node runtime gives them to V8: for old objects, and for half of the young. */
const OLD_SHARE = 0.9;
const SEMI_SPACE_SHARE = 0.05;

function errorOutcome(errorType: string, errorMessage: string): Outcome {
  return { payload: JSON.stringify({ errorType, errorMessage }), failed: true };
}

/** Thrown when the bundle cannot be loaded; `outcome` is what Lambda answers. */
export class InitFailure extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(outcome.payload);
    this.name = 'InitFailure';
    this.outcome = outcome;
  }
}

/** Starts a process with the given environment and loads the handler; `onLine` gets its output line by line. */
export async function startInstance(
  definition: FunctionDefinition,
  environment: Readonly<Record<string, string>>,
  ca: string,
  onLine: (line: string) => void,
): Promise<Instance> {
  const started = performance.now();
  const runtime = new RuntimeProcess(definition, environment, onLine);
  runtime.tell({ type: 'init', taskRoot: definition.taskRoot, handler: definition.handler, ca });
  const first = await runtime.next(INIT_SECONDS + definition.timeoutSeconds);
  if (first.type !== 'ready') {
    await runtime.kill();
    if (first.type === 'init failure') throw new InitFailure({ payload: first.payload, failed: true });
    const how = first.type === 'exit' ? first.how : 'it did not finish in time';
    throw new InitFailure(errorOutcome('Runtime.ExitError', `Runtime exited during initialization: ${how}`));
  }

  return {
    coldStartMs: performance.now() - started,
    isAlive: () => runtime.alive,
    stop: () => runtime.kill(),
    async run(invocation) {
      const { timeoutSeconds } = definition;
      runtime.tell({ type: 'invoke', ...invocation, deadline: Date.now() + timeoutSeconds * 1000 });
      const message = await runtime.next(timeoutSeconds);
      if (message.type === 'answer') return { payload: message.payload, failed: false };
      if (message.type === 'failure') return { payload: message.payload, failed: true };
      await runtime.kill();
      const prefix = `RequestId: ${invocation.requestId} Error:`;
      if (message.type === 'exit') {
        return errorOutcome('Runtime.ExitError', `${prefix} Runtime exited with error: ${message.how}`);
      }
      const text = `Task timed out after ${timeoutSeconds.toFixed(2)} seconds`;
      onLine(`${new Date().toISOString()} ${invocation.requestId} ${text}`);
      return errorOutcome('Sandbox.Timedout', `${prefix} ${text}`);
    },
  };
}

/** The child process that a function runs in, and the messages to and from it. */
class RuntimeProcess {
  alive = true;
  readonly #child: ChildProcess;
  /** How it ended. */
  readonly #exited: Promise<string>;

  constructor(
    definition: FunctionDefinition,
    environment: Readonly<Record<string, string>>,
    onLine: (line: string) => void,
  ) {
    const child = fork(join(import.meta.dirname, 'bootstrap.ts'), {
      cwd: definition.taskRoot,
      env: { ...environment },
      execArgv: [
        `--max-old-space-size=${Math.floor(definition.memoryMb * OLD_SHARE)}`,
        `--max-semi-space-size=${Math.floor(definition.memoryMb * SEMI_SPACE_SHARE)}`,
      ],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // Events are JSON already: as JSON once more they take three times as long.
      serialization: 'advanced',
    });
    this.#child = child;
    forwardLines(child, onLine);
    this.#exited = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ? `signal: ${signal}` : `exit status ${code}`));
    });
    this.#exited.then(() => {
      this.alive = false;
    });
  }

  /** The next message, the end of the process, or nothing in time. */
  async next(seconds: number): Promise<FromInstance | { type: 'exit'; how: string } | { type: 'late' }> {
    const { promise, resolve } = Promise.withResolvers<FromInstance | { type: 'late' }>();
    const timer = setTimeout(() => resolve({ type: 'late' }), seconds * 1000);
    this.#child.once('message', (message) => resolve(message as FromInstance));
    const result = await Promise.race([promise, this.#exited.then((how) => ({ type: 'exit' as const, how }))]);
    clearTimeout(timer);
    this.#child.removeAllListeners('message');
    return result;
  }

  tell(message: ToInstance): void {
    this.#child.send(message, () => {
      // A failed send means that the process is gone, which its end reports.
    });
  }

  async kill(): Promise<void> {
    this.alive = false;
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}

function forwardLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    stream?.on('end', () => {
      if (rest !== '') onLine(rest);
    });
  }
}
