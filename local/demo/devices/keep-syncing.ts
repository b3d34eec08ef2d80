import type { Device } from './device.ts';

/** Starts a device's sync. When it stops by itself, it is said why and how to go on; all others run on. */
export function keepSyncing(device: Device, print: (line: string) => void): void {
  device.startSync((reason) => print(`\n${reason}\n${howToGoOn(device)}`));
}

function howToGoOn({ name, folder, command }: Device): string {
  return `
The cloud and the other device run on. To have ${name} back, add to this what the message asks for, if anything:

  ${command} sync ${folder}

Or start all of it again once the cause is gone.
`;
}
