import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Device } from '../../../local/demo/devices/device.ts';
import { freePorts } from '../../../test/support/ports.ts';
import { PASSWORD, type Question, type Reply } from './cloud-messages.ts';
import type { Ground } from './tool.ts';

const PORTS = 10;

/** A local cloud that runs alone in a process. */
export interface CloudProcess {
  readonly pid: number;
  readonly data: string;
  readonly port: number;
  readonly api: string;
  readonly ca: string;
  ask(question: Question): Promise<Reply>;
}

/** Starts it in the folder of the ground, and stops it when that is undone. */
export async function startCloudProcess(
  assembly: string,
  { folder, undo, signal, fail }: Ground,
): Promise<CloudProcess> {
  const data = join(folder, 'cloud');
  await mkdir(data, { recursive: true });
  const port = await freePorts(PORTS);
  const program = join(import.meta.dirname, 'cloud-process.ts');
  // A group of its own: Ctrl-C reaches the benchmark alone, which stops everything in order.
  const child = fork(program, [assembly, data, String(port)], {
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let stopping = false;
  undo.defer(async () => {
    stopping = true;
    await ended(child);
  });
  child.once('exit', (code) => {
    if (!stopping) fail(new Error(`the local cloud ended by itself (exit code ${code})`));
  });
  const started = await next(child, signal);
  if (started.reply !== 'started') throw new Error('the local cloud says first that it has started');
  const ask = (question: Question): Promise<Reply> => {
    const reply = next(child, signal);
    // A process that is gone has said so.
    child.send(question, () => undefined);
    return reply;
  };
  return { pid: child.pid!, data, port, api: started.api, ca: started.ca, ask };
}

/** Makes a user, and answers what signs a device of his in, which has a folder of its name; its sync ends with the ground. */
export async function openAccount(
  cloud: CloudProcess,
  ground: Ground,
): Promise<(name: string, node?: readonly string[]) => Promise<Device>> {
  const username = `${randomUUID()}@tidemark.example`;
  await cloud.ask({ ask: 'user', username });
  return async (name, node) => {
    const device = new Device(name, join(ground.folder, name), join(ground.folder, 'config', name), { node });
    await device.signIn({ url: cloud.api, ca: cloud.ca, username, password: PASSWORD });
    ground.undo.defer(() => device.stopSync());
    return device;
  };
}

async function next(child: ChildProcess, signal: AbortSignal): Promise<Reply> {
  try {
    const [reply] = await once(child, 'message', { signal });
    return reply as Reply;
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
