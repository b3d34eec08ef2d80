import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ancestors, parentOf } from '../../protocol/path.ts';
import { systemCode } from '../common/errors.ts';
import type { State } from '../state/state.ts';
import { identityOf } from './stamps.ts';

/** By path of a directory: its identity, as in `LocalEntry`. */
type Directories = ReadonlyMap<string, string>;

const otherDrive =
  'is another drive than before, or none, and lacks files: nothing in it is synced. Mount the right one, or put the ' +
  'files back; to have them downloaded to where it is now, sync with --start-anew; to delete them everywhere, remove ' +
  'the directory and sync with --allow-mass-delete';

/**
 * Remembers which directories are mount points, and what is mounted there: files that went with their drive were not
 * deleted, and files that a drive covers were not, either.
 */
export class Mounts {
  readonly #state: State;
  readonly #root: string;
  /** What was mounted where when last all was there: inode and birth time, which outlive a restart of the machine. */
  readonly #known: Map<string, string>;

  constructor(state: State, root: string) {
    this.#state = state;
    this.#root = root;
    this.#known = new Map(Object.entries(JSON.parse(state.fact('mounts') ?? '{}') as Record<string, string>));
  }

  /**
   * The topmost directory above `path` where something else is mounted than was.
   * @param known answers of earlier calls, by directory; the disk may have changed since
   */
  changedAbove(path: string, known = new Map<string, Promise<string | undefined>>()): Promise<string | undefined> {
    const parent = parentOf(path);
    const asked = known.get(parent) ?? this.#changedAt(parent);
    known.set(parent, asked);
    return asked;
  }

  /** The same for several paths, asked now. */
  async changedAboveAny(paths: Iterable<string>): Promise<Set<string>> {
    const [changed, known] = [new Set<string>(), new Map<string, Promise<string | undefined>>()];
    for (const path of paths) {
      const directory = await this.changedAbove(path, known);
      if (directory !== undefined) changed.add(directory);
    }
    return changed;
  }

  /** The topmost directory at or above this one where something else is mounted than was. */
  async #changedAt(parent: string): Promise<string | undefined> {
    if (parent === '') return undefined;
    const above = [parent, ...ancestors(parent)].reverse();
    const directories = new Map<string, string>();
    for (const directory of above) {
      const stats = await lstat(join(this.#root, directory), { bigint: true }).catch(missing);
      if (stats?.isDirectory()) directories.set(directory, identityOf(stats));
    }
    const now = await this.#find(directories);
    return above.find((directory) => now.get(directory) !== this.#known.get(directory));
  }

  /**
   * After a look: the directories in its scope where something else is mounted than was and files are missing, with what
   * to tell the user. Where none is missing, what is mounted now is remembered.
   * @param directories those that are there, and those above
   */
  async judge(
    inScope: (path: string) => boolean,
    directories: Directories,
    isMissing: (directory: string) => boolean,
  ): Promise<Map<string, string>> {
    // With files alone no drive comes or goes.
    if (![...directories.keys(), ...this.#known.keys()].some(inScope)) return new Map();
    const now = await this.#find(directories);
    const changed = [...new Set([...now.keys(), ...this.#known.keys()])]
      .filter((directory) => inScope(directory) && now.get(directory) !== this.#known.get(directory))
      .sort();
    const held = new Map<string, string>();
    for (const directory of changed) {
      if (ancestors(directory).some((above) => held.has(above))) continue;
      if (isMissing(directory)) held.set(directory, otherDrive);
      else {
        const mounted = now.get(directory);
        if (mounted === undefined) this.#known.delete(directory);
        else this.#known.set(directory, mounted);
      }
    }
    if (changed.length > held.size) this.#state.setFact('mounts', JSON.stringify(Object.fromEntries(this.#known)));
    return held;
  }

  async #find(directories: Directories): Promise<Map<string, string>> {
    const root = identityOf(await lstat(this.#root, { bigint: true }));
    const table = await mountTable();
    const mounts = new Map<string, string>();
    for (const [path, identity] of directories) {
      const [device, ...rest] = identity.split(':');
      const [deviceAbove] = (directories.get(parentOf(path)) ?? root).split(':');
      if (device !== deviceAbove || table.has(join(this.#root, path))) mounts.set(path, rest.join(':'));
    }
    return mounts;
  }
}

/** All mount points of this machine. Linux tells them, also those within one file system; elsewhere the device has to. */
async function mountTable(): Promise<Set<string>> {
  if (process.platform !== 'linux') return new Set();
  const text = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
  const decode = (field: string): string =>
    field.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)));
  return new Set(
    text
      .split('\n')
      .flatMap((line) => line.split(' ').slice(4, 5))
      .map(decode),
  );
}

function missing(error: unknown): undefined {
  if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
  throw error;
}
