import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Device } from '../../../local/demo/devices/device.ts';
import type { Counters } from '../counters.ts';
import { filesBelow } from '../files-below.ts';
import { openLink } from '../link/link.ts';
import { Processes, takePeak } from '../processes.ts';
import { cloudCpu } from './cloud-cpu.ts';
import { type CloudProcess, openAccount, startCloudProcess } from './local-cloud.ts';
import type { Ground, Session, Tool } from './tool.ts';

/** The local cloud's ports, from that of the API on, that devices call: `traffic.ts` names them. */
const CALLED_PORTS = 5;

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

async function startSession(cloud: CloudProcess, ground: Ground): Promise<Session> {
  const signIn = await openAccount(cloud, ground);
  const devices: Device[] = [];
  for (const name of ['laptop', 'desktop']) {
    const device = await signIn(name, await reroute(cloud, ground));
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
  const ofDevices = devices.map(({ name, pid }) => [`cpu.${name}`, pid ? processes.family(pid) : 0]);
  return { ...Object.fromEntries(ofDevices), ...cloudCpu(processes, cloud) };
}

/** Bytes of all objects. */
async function storedBytes(data: string): Promise<number> {
  const objects = (await filesBelow(join(data, 's3'))).filter((file) => dirname(file).endsWith('objects'));
  const sizes = objects.map(async (file) => {
    const found = await stat(file).catch(() => undefined);
    return found?.size ?? 0;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
