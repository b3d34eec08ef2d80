import { hash as sha256 } from 'node:crypto';
import { type BigIntStats, lstatSync, lutimesSync, readlinkSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf } from '../../cli/reason.ts';
import { limits } from '../../protocol/limits.ts';
import { parentOf, pathProblem } from '../../protocol/path.ts';
import { diskReason, FileRefused, systemCode } from '../common/errors.ts';
import type { LocalEntry } from '../plan/tree.ts';
import { neverSynced } from './never-synced.ts';
import { temporaryName } from './paths.ts';
import { attributesOf } from './stamps.ts';
import { type Beside, setTime, type Target } from './write-file.ts';

/** The target of a symbolic link, which is its content, as the disk has it. */
export function readLink(place: string): Buffer {
  return readlinkSync(place, 'buffer');
}

/**
 * Why a symbolic link is not synced, `undefined` for one that is: one that leads to a path in the folder by its words
 * alone. Nothing is looked up, so that it is the same on every device, and whether something lies there does not matter.
 */
function linkProblem(path: string, target: Uint8Array): string | undefined {
  const text = Buffer.from(target).toString();
  if (!Buffer.from(text).equals(target) || target.length > limits.pathBytes) return neverSynced.linkToOther;
  if (/^(\/|[a-z]:)/i.test(text)) return neverSynced.linkToPlace;
  const names = parentOf(path).split('/').filter(Boolean);
  for (const name of text.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.pop() === undefined) return neverSynced.linkOut;
  }
  return names.length > 0 && pathProblem(names.join('/')) ? neverSynced.linkToOther : undefined;
}

/**
 * What a symbolic link is as an entry, or why it is not synced; `undefined` when it is gone.
 * @param stats of the link itself
 */
export function readLinkEntry(
  root: string,
  path: string,
  stats: BigIntStats,
): LocalEntry | { readonly problem: string } | undefined {
  try {
    const target = readLink(join(root, path));
    const problem = linkProblem(path, target);
    if (problem) return { problem };
    const size = target.length;
    return { ...attributesOf(stats), size, blocks: [{ hash: sha256('sha256', target), size }] };
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    return { problem: `cannot be read: ${messageOf(error)}` };
  }
}

/** Answers of systems and disks that hold no links of a kind, or let this user make none. */
export const noLinks: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'];

/** Makes a symbolic link beside its place. Throws `FileRefused` for one that may not lie there, or that the disk does not take. */
export function writeLink({ place, folderId, mtime_ms }: Omit<Target, 'blocks'>, path: string, target: Buffer): Beside {
  const problem = linkProblem(path, target);
  if (problem) throw new FileRefused('local', problem);
  const temporary = join(dirname(place), temporaryName(folderId));
  try {
    symlinkSync(target, temporary);
  } catch (error) {
    if (!noLinks.includes(systemCode(error))) throw error;
    throw new FileRefused('local', `is a symbolic link, and this disk takes none: ${diskReason(error)}`);
  }
  setTime(mtime_ms, (seconds) => lutimesSync(temporary, seconds, seconds));
  return { temporary, stats: lstatSync(temporary, { bigint: true }) };
}
