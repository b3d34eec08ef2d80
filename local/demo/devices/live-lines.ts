import type { SyncEvent } from '../../../protocol/output/sync-event.ts';
import { formatBytes, formatDuration } from '../format.ts';
import type { Device } from './device.ts';

const verbs: Record<string, string> = {
  uploaded: 'saved',
  renamed: 'renamed',
  deleted: 'deleted',
  directory: 'made folder',
};

/** A change that reached the service, or this device's disk. */
type Change = Extract<SyncEvent, { version: number }>;

interface Seen {
  readonly device: Device;
  readonly event: Change;
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
      if (!('version' in event)) return;
      const key = `${event.version} ${event.path}`;
      const change = { ...halves.get(key), [isSender(event) ? 'sent' : 'received']: { device, event } };
      halves.set(key, change);
      if (!change.sent || !change.received) return;
      halves.delete(key);
      print(liveLine(change.sent, change.received));
    });
  }
}

function isSender(event: Change): boolean {
  return event.event === 'uploaded' || ('side' in event && event.side === 'remote');
}

function liveLine(sent: Seen, received: Seen): string {
  const { event } = sent;
  const what = event.event === 'renamed' ? `${event.from} to ${event.path}` : event.path;
  const bytes =
    event.event === 'uploaded' ? `, sent ${formatBytes(event.content_bytes)} of ${formatBytes(event.file_bytes)}` : '';
  const delay = formatDuration(received.event.at - (event.noticed_at ?? event.at));
  return `${sent.device.name} ${verbs[event.event]} ${what}${bytes}; ${received.device.name} had it after ${delay}`;
}
