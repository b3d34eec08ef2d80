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
