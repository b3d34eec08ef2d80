import { join } from 'node:path';
import { stateFolder } from '../../protocol/reserved-name.ts';

/** Where the state of a synced folder lies; a folder that has one is synced. */
export function statePlace(root: string): string {
  return join(root, stateFolder, 'state.db');
}

/** Where the lock of the process that syncs a folder lies. */
export function lockPlace(root: string): string {
  return join(root, stateFolder, 'lock.db');
}

/** Where a command keeps a request until its answer came. */
export function requestPlace(root: string): string {
  return join(root, stateFolder, 'request.json');
}

/** Where the process that syncs a folder says how it gets on. */
export function bulletinPlace(root: string): string {
  return join(root, stateFolder, 'bulletin.json');
}

/** Where it is written down that a folder is paused, and until when. */
export function pausePlace(root: string): string {
  return join(root, stateFolder, 'pause.json');
}

/** Where the syncs of a folder write down what happened. */
export function logPlace(root: string): string {
  return join(root, stateFolder, 'log.jsonl');
}

/** Where the names of the account's devices are kept. */
export function deviceNamesPlace(root: string): string {
  return join(root, stateFolder, 'devices.json');
}

/** Where it is written down which folders this device leaves out. */
export function exclusionsPlace(root: string): string {
  return join(root, stateFolder, 'excluded.json');
}
