import { closeSync, constants, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { Ended } from '../../protocol/output/ended.ts';
import { diskReason, quietly, systemCode } from '../common/errors.ts';
import { bulletinPlace } from './places.ts';

/** Milliseconds since 1970. */
const Time = z.int();

const News = z.object({
  /** Since when the service does not answer, and why. */
  offline: z.object({ since: Time, message: z.string() }).optional(),
  /** Since when this machine does not let anything be synced, and why. */
  trouble: z.object({ since: Time, message: z.string() }).optional(),
  /** Long transfers, and when the last of their bytes moved. */
  transfers: z
    .array(
      z.object({
        path: z.string(),
        bytes: z.int(),
        file_bytes: z.int(),
        side: z.enum(['local', 'remote']),
        moved_at: Time,
      }),
    )
    .optional(),
  /** All that moves, as long as something does: bytes so far, and in all. */
  moving: z.object({ bytes: z.int(), of: z.int() }).optional(),
  /** How it ended, until the next one begins. */
  ended: Ended.optional(),
});
/** What the process that syncs a folder says of itself, or the last one said at its end. */
export type News = z.infer<typeof News>;

/** The file has this size from the beginning: what is written into it takes no room on a disk that has none left. */
const FILE_BYTES = 64 * 1024;
/** Transfers that are named; each may have a path of some kB. */
const MOST_TRANSFERS = 8;

/**
 * Where the process that syncs a folder says how it gets on, for other commands on this machine. It is no state: nothing
 * depends on it, and where the disk takes nothing, nothing is said.
 */
export class Bulletin {
  readonly #file: number | undefined;
  #news: News = {};
  /** Bytes of what was said last. */
  #length = FILE_BYTES;

  constructor(root: string) {
    this.#file = quietly(() => openSync(bulletinPlace(root), constants.O_RDWR | constants.O_CREAT, 0o600));
    this.#write();
  }

  /** Says this from now on, beside what else was said. */
  note(news: { readonly [Key in keyof News]: News[Key] | undefined }): void {
    this.#news = { ...this.#news, ...news } as News;
    this.#write();
  }

  close(): void {
    const { ended } = this.#news;
    this.#news = ended ? { ended } : {};
    this.#write();
    const file = this.#file;
    if (file !== undefined) quietly(() => closeSync(file));
  }

  #write(): void {
    const file = this.#file;
    if (file === undefined) return;
    const transfers = this.#news.transfers?.slice(0, MOST_TRANSFERS);
    const text = Buffer.from(JSON.stringify({ ...this.#news, transfers }));
    const bytes = Buffer.alloc(Math.min(FILE_BYTES, Math.max(text.length, this.#length)), ' ');
    text.copy(bytes);
    this.#length = text.length;
    quietly(() => writeSync(file, bytes, 0, bytes.length, 0));
  }
}

/** What the process that syncs this folder said last; nothing when it said nothing, or says something right now. */
export function readBulletin(root: string): News {
  try {
    return News.parse(JSON.parse(readFileSync(bulletinPlace(root), 'utf8')));
  } catch {
    return {};
  }
}

/** Why the disk takes nothing for this folder now; `undefined` when it does. */
export function refusalOfDisk(root: string): { readonly message: string } | undefined {
  const place = `${bulletinPlace(root)}.${process.pid}`;
  try {
    writeFileSync(place, Buffer.alloc(4096, ' '));
    return undefined;
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { message: `nothing can be written below ${dirname(place)}: ${diskReason(error)}` };
  } finally {
    rmSync(place, { force: true });
  }
}
