import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Device } from '../../../local/demo/devices/device.ts';
import { freePorts } from '../../../test/support/ports.ts';
import type { Counters } from '../counters.ts';
import { openLink } from '../link/link.ts';
import { Processes, peakMemory, variableOf } from '../processes.ts';
import { PASSWORD, type Question, type Reply } from './cloud-messages.ts';
import type { Ground, Session, Tool } from './tool.ts';

/** The local cloud's ports, from that of the API on, that devices call: `traffic.ts` names them. */
const CALLED_PORTS = 5;
const ALL_PORTS = 10;

/** @param assembly the synthesized app */
export function tidemark(assembly: string): Tool {
  return {
    name: 'Tidemark',
    remote: true,
    async open(ground) {
      const cloud = await startCloudProcess(assembly, ground);
      return (sessionGround) => startSession(cloud, sessionGround);
    },
  };
}

interface CloudProcess {
  readonly pid: number;
  readonly data: string;
  readonly port: number;
  readonly api: string;
  readonly ca: string;
  ask(question: Question): Promise<Reply>;
}

async function startCloudProcess(assembly: string, { folder, undo, signal, fail }: Ground): Promise<CloudProcess> {
  const data = join(folder, 'cloud');
  await mkdir(data, { recursive: true });
  const port = await freePorts(ALL_PORTS);
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

async function startSession(cloud: CloudProcess, ground: Ground): Promise<Session> {
  const username = `${randomUUID()}@tidemark.example`;
  await cloud.ask({ ask: 'user', username });
  const devices: Device[] = [];
  for (const name of ['laptop', 'desktop']) {
    const options = await reroute(cloud, ground);
    const device = new Device(name, join(ground.folder, name), join(ground.folder, 'config', name), options);
    await device.signIn({ url: cloud.api, ca: cloud.ca, username, password: PASSWORD });
    ground.undo.defer(() => device.stopSync());
    device.startSync((reason) => ground.fail(new Error(reason)));
    devices.push(device);
  }
  const [laptop, desktop] = devices as [Device, Device];
  return {
    folders: [laptop.folder, desktop.folder],
    async counters() {
      const reply = await cloud.ask({ ask: 'counters' });
      const counted = reply.reply === 'counters' ? reply.counters : {};
      return { ...counted, stored: await storedBytes(cloud.data), ...cpu(cloud.pid, devices) };
    },
    memory: () => Object.fromEntries(devices.map(({ name, pid }) => [name, pid ? takePeak(pid) : 0])),
  };
}

/** Node's options for a device behind a link. */
async function reroute({ port }: CloudProcess, { link, undo }: Ground): Promise<string[]> {
  if (!link) return [];
  const targets = Array.from({ length: CALLED_PORTS }, (_, index) => port + index);
  const ports = await openLink({ link, targets }, undo);
  const program = new URL('../link/reroute.ts', import.meta.url);
  for (const [from, to] of ports) program.searchParams.set(String(from), String(to));
  return ['--import', program.href];
}

function cpu(cloud: number, devices: readonly Device[]): Counters {
  const processes = new Processes();
  const counters: Record<string, number> = { 'cpu.local cloud': processes.own(cloud), 'cpu.PostgreSQL': 0 };
  for (const { name, pid } of devices) counters[`cpu.${name}`] = pid ? processes.family(pid) : 0;
  let functions = processes.ended(cloud);
  for (const { pid, command, own } of processes.children(cloud)) {
    if (command === 'postgres') counters['cpu.PostgreSQL']! += processes.family(pid);
    else {
      const name = variableOf(pid, 'AWS_LAMBDA_FUNCTION_NAME') ?? command;
      counters[`function.${name}`] = (counters[`function.${name}`] ?? 0) + own;
      functions += own;
    }
  }
  return { ...counters, 'cpu.functions': functions };
}

/** Bytes of all objects. */
async function storedBytes(data: string): Promise<number> {
  const entries = await readdir(join(data, 's3'), { recursive: true, withFileTypes: true });
  const objects = entries.filter((entry) => entry.isFile() && entry.parentPath.endsWith('objects'));
  const sizes = objects.map(async ({ parentPath, name }) => {
    const found = await stat(join(parentPath, name)).catch(() => undefined);
    return found?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function takePeak(pid: number): number {
  const peak = peakMemory(pid);
  // Linux begins anew then.
  if (peak > 0) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return peak;
}
