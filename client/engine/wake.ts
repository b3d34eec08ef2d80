import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { systemCode } from '../common/errors.ts';

const wakeFolder = (root: string): string => join(root, stateFolder, 'wake');

/**
 * Another command on this machine changed something at the service: the push leaves out the device that did. Where the
 * system cannot watch, the next reading of the changes finds it.
 */
export function watchWakes(root: string, onWake: () => void): { close(): void } {
  try {
    mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
    return watch(wakeFolder(root), onWake).on('error', () => undefined);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { close: () => undefined };
  }
}

/** Tells the process that syncs this folder, if there is one and the disk takes it, to read the changes now. */
export function wakeSync(root: string): void {
  try {
    mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
    writeFileSync(join(wakeFolder(root), 'now'), String(Date.now()));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}
