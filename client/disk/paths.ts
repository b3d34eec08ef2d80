import { randomUUID } from 'node:crypto';
import { lstatSync, realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ancestors, parentOf, pathProblem } from '../../protocol/path.ts';
import { isUnfinished, unfinishedPrefix } from '../../protocol/reserved-name.ts';
import { ClientError, systemCode } from '../common/errors.ts';
import { DiskChanged } from './stamps.ts';

/** The name of a file that is being written, beside its target: nothing else has it. */
export function temporaryName(folderId: string): string {
  return `${unfinishedPrefix}${folderId}-${randomUUID()}`;
}

/** Whether a name was made by `temporaryName` for this folder. */
export function isTemporary(name: string, folderId: string): boolean {
  return name.startsWith(`${unfinishedPrefix}${folderId}-`) && isUnfinished(name);
}

/** What stands in a name for bytes that are no UTF-8; the name that holds it cannot be used to open the file. */
export const undecodable = '\ufffd';

/** Names that Windows takes for devices, for streams of another file, or for the name without their end. */
const notOnWindows = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])( *\.|$)|[<>:"|?*]|[ .]$/i;

/** Where `path` lies on this disk. Throws `unsafe_path` for one that a service must not have sent or that cannot lie here. */
export function diskPath(root: string, path: string, platform = process.platform): string {
  const impossible = platform === 'win32' && path.split('/').some((name) => notOnWindows.test(name));
  const problem = pathProblem(path) ?? (impossible ? 'holds a name that Windows cannot take' : undefined);
  if (problem) throw new ClientError('unsafe_path', `refused: the path ${JSON.stringify(path)} ${problem}`);
  return join(root, path);
}

/**
 * Makes sure that everything above `path` is a real directory inside the root, so that nothing is ever written, moved
 * or deleted through a symbolic link. Answers false when one is missing.
 */
export function demandParents(root: string, path: string): boolean {
  return firstMissing(root, path) === undefined;
}

/** `demandParents` for many paths of one step: the disk is asked once for each directory. */
export type Parents = (path: string) => boolean;

export function rememberParents(root: string): Parents {
  const known = new Map<string, boolean>();
  return (path) => {
    const directory = parentOf(path);
    const asked = known.get(directory) ?? demandParents(root, path);
    known.set(directory, asked);
    return asked;
  };
}

/**
 * As `demandParents`, and makes the directories that are missing. Returns these, the topmost first.
 *
 * @param wasThere whether a directory lay there when it was looked at: it was renamed or deleted since, and is not made
 * again
 * @throws DiskChanged when such a one is missing
 */
export async function makeParents(
  root: string,
  path: string,
  wasThere: (directory: string) => boolean = () => false,
): Promise<string[]> {
  const made: string[] = [];
  for (;;) {
    const directory = firstMissing(root, path);
    if (directory === undefined) return made;
    if (!made.includes(directory) && wasThere(directory)) throw new DiskChanged(`${join(root, directory)} is gone`);
    await mkdir(join(root, directory)).then(
      () => made.push(directory),
      (error) => {
        if (systemCode(error) !== 'EEXIST') throw error;
      },
    );
  }
}

/**
 * Whether what lies above `path` is there, with no symbolic link in it: one call, however deep the path is. False as well
 * where the disk spells it otherwise, or the root itself has moved.
 */
function isPlain(root: string, path: string): boolean {
  const directory = join(root, parentOf(path));
  try {
    return realpathSync.native(directory) === directory;
  } catch {
    return false;
  }
}

/** The topmost directory above `path` that is not there. */
function firstMissing(root: string, path: string): string | undefined {
  diskPath(root, path);
  if (isPlain(root, path)) return undefined;
  for (const directory of ancestors(path).reverse()) {
    const place = join(root, directory);
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats?.isDirectory()) continue;
    if (stats) {
      const kind = stats.isSymbolicLink() ? 'a symbolic link' : 'not a directory';
      throw new ClientError(
        'unsafe_path',
        `refused: ${directory} is ${kind}; move it away to sync what belongs inside`,
      );
    }
    return directory;
  }
  return undefined;
}
