import { type NetworkInterfaceInfo, networkInterfaces, uptime } from 'node:os';

const EVERY_MS = 5_000;
/** Who looks so much later than he wanted was stopped, or the machine slept. */
const SLEPT_MS = 10_000;

/** What is looked at. */
interface Machine {
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  /** Seconds since the machine started, those in which it slept included. */
  readonly uptime: () => number;
}

/** Tells when this machine was given other addresses, or slept: connections from before may be dead, and new ones work. */
export function watchNetwork(
  onChange: () => void,
  machine: Machine = { interfaces: networkInterfaces, uptime },
): { close(): void } {
  let addresses = addressesOf(machine);
  let lookedAt = machine.uptime();
  const timer = setInterval(() => {
    const [before, since] = [addresses, machine.uptime() - lookedAt];
    addresses = addressesOf(machine);
    lookedAt = machine.uptime();
    if (addresses !== before || 1000 * since > EVERY_MS + SLEPT_MS) onChange();
  }, EVERY_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}

/** Addresses that lead nowhere else, as those of containers, come and go without meaning. */
function addressesOf({ interfaces }: Machine): string {
  return Object.entries(interfaces())
    .flatMap(([name, list = []]) => list.map((address) => ({ name, ...address })))
    .filter(({ internal, address }) => !internal && !/^(fe80:|169\.254\.)/i.test(address))
    .map(({ name, cidr }) => `${name} ${cidr}`)
    .sort()
    .join();
}
