import { formatBytes, formatDuration } from '../format.ts';
import type { Device, SyncEvent } from './device.ts';

const verbs: Record<string, string> = {
  uploaded: 'saved',
  renamed: 'renamed',
  deleted: 'deleted',
  directory: 'made folder',
};

interface Seen {
  readonly device: Device;
  readonly event: SyncEvent;
}

/**
 * Prints one line per change: what happened on which device, bytes sent against the file's size, and the time from the
 * moment that the device noticed the change until the other one had it on disk.
 */
export function printLiveLines(devices: readonly Device[], print: (line: string) => void): void {
  // Two processes report, so what the other device received may be read before what this one sent.
  const halves = new Map<string, { sent?: Seen; received?: Seen }>();
  for (const device of devices) {
    device.onEvent((event) => {
      if (event.event === 'error') print(`${device.name}: ${event.message}`);
      if (event.event === 'offline') print(`${device.name}: offline, will catch up`);
      if (event.event === 'conflict')
        print(`${device.name}: both devices changed a file; its own is now ${event.path}`);
      if (event.path === undefined || event.version === undefined) return;
      const key = `${event.version} ${event.path}`;
      const change = { ...halves.get(key), [isSender(event) ? 'sent' : 'received']: { device, event } };
      halves.set(key, change);
      if (!change.sent || !change.received) return;
      halves.delete(key);
      print(liveLine(change.sent, change.received));
    });
  }
}

function isSender({ event, side }: SyncEvent): boolean {
  return event === 'uploaded' || side === 'remote';
}

function liveLine(sent: Seen, received: Seen): string {
  const { event, path, from, content_bytes = 0, file_bytes = 0, noticed_at, at = 0 } = sent.event;
  const what = from === undefined ? path : `${from} to ${path}`;
  const bytes = event === 'uploaded' ? `, sent ${formatBytes(content_bytes)} of ${formatBytes(file_bytes)}` : '';
  const delay = formatDuration((received.event.at ?? 0) - (noticed_at ?? at));
  return `${sent.device.name} ${verbs[event]} ${what}${bytes}; ${received.device.name} had it after ${delay}`;
}
