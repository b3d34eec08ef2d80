import { lstatSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isWithinAny, nameOf, parentOf, pathInside } from '../../protocol/path.ts';
import { foldName } from '../../protocol/reserved-name.ts';
import { systemCode } from '../common/errors.ts';

/** A path that the disk answers to although it holds the entry under another spelling: `docs` where `Docs` lies. */
export interface Twin {
  readonly path: string;
  readonly spelled: string;
}

/**
 * The first path at or above `path`, from the top, that the disk spells otherwise; `undefined` when all is spelled so,
 * or is not there.
 *
 * @param known answers of earlier calls about directories; the disk may have changed since
 */
export async function findTwin(
  root: string,
  path: string,
  known = new Map<string, Promise<string | undefined>>(),
): Promise<Twin | undefined> {
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const at = end < 0 ? path : path.slice(0, end);
    const asked = known.get(at) ?? spellingOf(root, at);
    if (end >= 0) known.set(at, asked);
    const spelled = await asked;
    if (spelled === undefined) return undefined;
    if (spelled !== at) return { path: at, spelled };
    if (end < 0) return undefined;
  }
}

/** Of paths that were not met, those that the disk answers to. What is inside of one that is gone is gone as well. */
export async function findTwins(
  suspects: Iterable<string>,
  root: string,
  { seen, skipped }: { readonly seen: ReadonlySet<string>; readonly skipped: ReadonlyMap<string, string> },
): Promise<Twin[]> {
  const twins: Twin[] = [];
  const directories = new Map<string, Promise<string | undefined>>();
  for (const path of suspects) {
    const parent = parentOf(path);
    if (seen.has(path) || (parent !== '' && !seen.has(parent))) continue;
    if (isWithinAny(path, skipped)) continue;
    const twin = await findTwin(root, path, directories);
    if (twin) twins.push(twin);
  }
  return twins;
}

/**
 * How the disk spells what answers to `path`, whose parents are spelled right; `undefined` when nothing does. The form
 * of Unicode that the disk keeps makes no difference: the client's paths are in NFC.
 */
async function spellingOf(root: string, path: string): Promise<string | undefined> {
  const [directory, name] = [join(root, parentOf(path)), nameOf(path)];
  const inode = inodeOf(join(directory, name));
  if (inode === undefined) return undefined;
  // Most disks answer to no other spelling, and a directory may be long.
  const others = variants(name).map((variant) => inodeOf(join(directory, variant)));
  if (!others.includes(inode)) return path;
  const names = await readdir(directory);
  if (names.some((listed) => listed === name || listed.normalize('NFC') === name)) return path;
  for (const listed of names.filter((candidate) => foldName(candidate) === foldName(name))) {
    if (inodeOf(join(directory, listed)) === inode) return pathInside(parentOf(path), listed.normalize('NFC'));
  }
  return path;
}

/** One of them is another name for the same entry on a disk that folds names in any way that is known. */
function variants(name: string): string[] {
  const all = new Set([name.toUpperCase(), name.toLowerCase(), name.normalize('NFD')]);
  return [...all].filter((variant) => variant !== name);
}

function inodeOf(place: string): string | undefined {
  try {
    const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false });
    return stats && `${stats.dev}:${stats.ino}`;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}
