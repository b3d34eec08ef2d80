import { existsSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { diskReason, LocalTrouble, systemCode } from '../common/errors.ts';
import { storeFile } from '../common/replace-file.ts';
import { pausePlace } from './places.ts';

const Pause = z.object({
  /** When it ends by itself, milliseconds since 1970; absent for one that lasts until it is ended. */
  until: z.int().optional(),
});
export type Pause = z.infer<typeof Pause>;

/**
 * The pause of a folder; `undefined` when it has none, or one that is over.
 * @param now milliseconds since 1970: a pause is over at a time of day, also after a restart
 */
export function readPause(root: string, now = Date.now()): Pause | undefined {
  const place = pausePlace(root);
  if (!existsSync(place)) return undefined;
  const pause = parse(place);
  return pause.until !== undefined && pause.until <= now ? undefined : pause;
}

/** One that cannot be read lasts until it is ended: somebody asked for it. */
function parse(place: string): Pause {
  try {
    return Pause.parse(JSON.parse(readFileSync(place, 'utf8')));
  } catch {
    return {};
  }
}

/** Pauses a folder; in place of a pause that it has. Throws LocalTrouble when the disk does not take it. */
export async function notePause(root: string, pause: Pause): Promise<void> {
  await storeFile(pausePlace(root), `${JSON.stringify(pause)}\n`, 0o600);
}

/** Ends the pause of a folder, if it has one. Throws LocalTrouble when the disk does not let it. */
export async function dropPause(root: string): Promise<void> {
  try {
    await rm(pausePlace(root), { force: true });
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw new LocalTrouble(`the pause cannot be ended: ${diskReason(error)}`, { cause: error });
  }
}
