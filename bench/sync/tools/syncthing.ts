import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from '../../../test/support/ports.ts';
import { openLink } from '../link/link.ts';
import { Processes, takePeak } from '../processes.ts';
import type { Ground, Session, Tool } from './tool.ts';

const run = promisify(execFile);
const START_MS = 60_000;
const folderId = 'bench';

/** Two Syncthings that know each other's address: nothing is announced, looked up or relayed. */
export const syncthing: Tool = { name: 'Syncthing', remote: true, open: async () => startSession };

interface Instance {
  readonly name: string;
  readonly home: string;
  readonly folder: string;
  readonly id: string;
  readonly port: number;
  readonly gui: number;
  readonly key: string;
}

async function startSession(ground: Ground): Promise<Session> {
  const first = await freePorts(4);
  const instances = [await make('one', ground, first), await make('other', ground, first + 2)] as const;
  const [one, other] = instances;
  const ways = ground.link && (await openLink({ link: ground.link, targets: [other.port] }, ground.undo));
  await configure(one, other, `tcp://127.0.0.1:${ways?.get(other.port) ?? other.port}`);
  // Who waits to be called.
  await configure(other, one, 'dynamic');
  const children = instances.map((instance) => start(instance, ground));
  await untilReady(one, other, ground.signal);
  return {
    folders: [one.folder, other.folder],
    async counters() {
      const { total } = (await ask(one, '/rest/system/connections')) as { total: Record<string, number> };
      const processes = new Processes();
      const times = instances.map(({ name }, index) => [`cpu.${name}`, processes.family(children[index]!.pid!)]);
      return { up: total.outBytesTotal!, down: total.inBytesTotal!, ...Object.fromEntries(times) };
    },
    memory() {
      const processes = new Processes();
      const pids = children.map(({ pid }) => processes.children(pid!)[0]?.pid ?? pid!);
      return Object.fromEntries(instances.map(({ name }, index) => [name, takePeak(pids[index]!)]));
    },
  };
}

async function make(name: string, ground: Ground, port: number): Promise<Instance> {
  const home = join(ground.folder, 'config', name);
  const folder = join(ground.folder, name);
  await mkdir(home, { recursive: true });
  await mkdir(join(folder, '.stfolder'), { recursive: true });
  await run('syncthing', ['generate', '--home', home, '--no-default-folder', '--skip-port-probing']);
  const { stdout } = await run('syncthing', ['--home', home, '--device-id']);
  return { name, home, folder, id: stdout.trim(), port, gui: port + 1, key: randomBytes(16).toString('hex') };
}

/** Its settings; what is not said is as it comes, but for the delay of its watcher, which is as short as it can be. */
async function configure(instance: Instance, peer: Instance, address: string): Promise<void> {
  const off = ['globalAnnounceEnabled', 'localAnnounceEnabled', 'relaysEnabled', 'natEnabled', 'startBrowser'];
  const options = [
    `<listenAddress>tcp://127.0.0.1:${instance.port}</listenAddress>`,
    ...[...off, 'crashReportingEnabled', 'setLowPriority'].map((name) => `<${name}>false</${name}>`),
    '<reconnectionIntervalS>1</reconnectionIntervalS><autoUpgradeIntervalH>0</autoUpgradeIntervalH>',
    '<urAccepted>-1</urAccepted>',
  ];
  const text = `<configuration version="35">
  <folder id="${folderId}" path="${instance.folder}" type="sendreceive" fsWatcherEnabled="true" fsWatcherDelayS="1">
    <device id="${instance.id}"/><device id="${peer.id}"/>
  </folder>
  <device id="${instance.id}" name="${instance.name}"><address>dynamic</address></device>
  <device id="${peer.id}" name="${peer.name}"><address>${address}</address></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:${instance.gui}</address><apikey>${instance.key}</apikey></gui>
  <options>${options.join('')}</options>
</configuration>`;
  await writeFile(join(instance.home, 'config.xml'), text);
}

function start({ name, home }: Instance, { undo, fail }: Ground): ChildProcess {
  const child = spawn('syncthing', ['serve', '--home', home, '--no-browser', '--no-upgrade', '--no-restart'], {
    stdio: 'ignore',
    // A group of its own, for its monitor and itself.
    detached: true,
  });
  let stopping = false;
  child.once('error', fail);
  child.once('exit', (code) => {
    if (!stopping) fail(new Error(`Syncthing ${name} ended by itself (exit code ${code})`));
  });
  undo.defer(async () => {
    stopping = true;
    if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
    const exited = once(child, 'exit');
    process.kill(-child.pid, 'SIGTERM');
    await exited;
  });
  return child;
}

async function untilReady(one: Instance, other: Instance, signal: AbortSignal): Promise<void> {
  const end = performance.now() + START_MS;
  for (;;) {
    signal.throwIfAborted();
    const ready = await Promise.all([isConnected(one), isIdle(one), isIdle(other)]).catch(() => [false]);
    if (ready.every(Boolean)) return;
    if (performance.now() > end) throw new Error('the two Syncthings do not find each other');
    await sleep(200);
  }
}

async function isConnected(instance: Instance): Promise<boolean> {
  const { connections } = (await ask(instance, '/rest/system/connections')) as {
    connections: Record<string, { connected: boolean }>;
  };
  return Object.values(connections).some(({ connected }) => connected);
}

async function isIdle(instance: Instance): Promise<boolean> {
  return ((await ask(instance, `/rest/db/status?folder=${folderId}`)) as { state: string }).state === 'idle';
}

async function ask({ gui, key }: Instance, path: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${gui}${path}`, { headers: { 'x-api-key': key } });
  if (!answer.ok) throw new Error(`Syncthing answers ${answer.status} to ${path}`);
  return answer.json();
}
