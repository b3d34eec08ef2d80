import { type BigIntStats, lstatSync } from 'node:fs';
import { type LocalEntry, syncedMode } from '../plan/tree.ts';

/** The disk is not as it was when the change was planned: look again. */
export class DiskChanged extends Error {
  override readonly name = 'DiskChanged';
}

/** Follows a file through renames: device, inode and birth time. */
export function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.birthtimeNs}`;
}

/** Changes whenever the file may have changed. */
export function hintOf(stats: BigIntStats): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

/** What the system tells of a file, link or directory; its content has to be read. */
export function attributesOf(stats: BigIntStats): Omit<LocalEntry, 'blocks'> {
  const kind = stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'link' : 'file';
  return {
    kind,
    size: kind === 'directory' ? 0 : Number(stats.size),
    mode: syncedMode(kind, Number(stats.mode)),
    mtime_ms: wholeMilliseconds(stats.mtimeNs),
    identity: identityOf(stats),
    hint: kind === 'directory' ? '' : hintOf(stats),
  };
}

/** Rounds down, as the disk's own whole milliseconds are: a `number` of nanoseconds would come out one later at times. */
function wholeMilliseconds(nanoseconds: bigint): number {
  const milliseconds = nanoseconds / 1_000_000n;
  return Number(nanoseconds < milliseconds * 1_000_000n ? milliseconds - 1n : milliseconds);
}

/** Whether a file was not written to since; a change of its permissions or of its name changes the other stamps. */
export function sameBytes({ size, hint }: LocalEntry, stats: BigIntStats): boolean {
  return size === Number(stats.size) && hint.split(':')[2] === String(stats.mtimeNs);
}

/** Whether the file or link is the one with this hint, or is missing where `undefined` is expected. */
export function isUnchanged(place: string, expected: string | undefined): boolean {
  const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false });
  return (stats && (stats.isFile() || stats.isSymbolicLink() ? hintOf(stats) : 'not a file')) === expected;
}

/** Throws `DiskChanged` unless the file or link is the one with this hint, or is missing where `undefined` is expected. */
export function demandUnchanged(place: string, expected: string | undefined): void {
  if (!isUnchanged(place, expected)) throw new DiskChanged(`${place} changed since it was last looked at`);
}
