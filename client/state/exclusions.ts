import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from '../../cli/reason.ts';
import { isInside } from '../../protocol/path.ts';
import { diskReason, LocalTrouble, systemCode } from '../common/errors.ts';
import { storeFile } from '../common/replace-file.ts';
import { exclusionsPlace } from './places.ts';

const Exclusions = z.array(z.string());

/**
 * The folders that this device leaves out, as paths, none inside another.
 * @throws LocalTrouble when it cannot be told: to take them for synced again would be a guess
 */
export function readExclusions(root: string): readonly string[] {
  const place = exclusionsPlace(root);
  try {
    return Exclusions.parse(JSON.parse(readFileSync(place, 'utf8')));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    const why =
      systemCode(error) === undefined ? `it is damaged (${messageOf(error).split('\n')[0]})` : diskReason(error);
    const remedy = 'delete it to have all folders here again';
    throw new LocalTrouble(`${place} says which folders are left out, and ${why}: ${remedy}`, { cause: error });
  }
}

/** Writes down which folders are left out, so that it survives a power cut. Throws LocalTrouble where the disk does not take it. */
export async function noteExclusions(root: string, folders: readonly string[]): Promise<void> {
  const topmost = folders.filter((folder) => !folders.some((other) => isInside(folder, other)));
  await storeFile(exclusionsPlace(root), `${JSON.stringify([...new Set(topmost)].sort())}\n`, 0o600);
}
