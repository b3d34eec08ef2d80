import type { BigIntStats } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { FilePool } from '../../codec/node/file-pool.ts';
import { ancestors, parentOf, pathInside, pathProblem } from '../../protocol/path.ts';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { messageOf, systemCode } from '../common/errors.ts';
import { hintIndex } from '../plan/known-files.ts';
import { type Content, type LocalEntry, syncedMode } from '../plan/tree.ts';
import { statePlace } from '../state/places.ts';
import { hashFile } from './hash-file.ts';
import { describeExclusion, type Ignores } from './ignore.ts';
import { isTemporary, undecodable } from './paths.ts';
import { findTwin, type Twin } from './spelling.ts';
import { hintOf, identityOf } from './stamps.ts';

/** What lies at a path that is not synced. */
export interface LeftOut {
  /** As in `LocalEntry`. */
  readonly identity: string;
  readonly reason: string;
}

export interface ScanOptions {
  readonly root: string;
  readonly folderId: string;
  readonly ignores: Ignores;
  /** Hashes files. */
  readonly pool: FilePool;
  /** What was known of the disk. */
  readonly known: ReadonlyMap<string, LocalEntry>;
  /** Called before a directory is read, so that a watch misses nothing. */
  readonly onDirectory?: (path: string) => void;
  readonly onProgress?: (entries: number) => void;
  /** Answers what is told of the bytes of a file as they are read. */
  readonly onReading?: (path: string, fileBytes: number) => (bytes: number) => void;
  /** Removes what an interrupted run left behind. */
  readonly removeTemporary?: boolean;
  /** Where the configuration lies, if in this folder. */
  readonly apart?: ReadonlySet<string>;
  /** Paths that may lie here; those that the disk answers to and spells otherwise become `twins`. */
  readonly suspects?: Iterable<string>;
  /** The known entry with this hint, wherever it lay. */
  readonly byHint?: (hint: string) => LocalEntry | undefined;
  /** What the file with this identity held when both sides agreed on it, wherever it lay. */
  readonly byIdentity?: (identity: string) => Content | undefined;
}

export interface ScanResult {
  /** Entries that are new or changed. */
  readonly found: Map<string, LocalEntry>;
  /** Paths below or at the scanned ones that exist, changed or not. */
  readonly seen: Set<string>;
  /** What is there and cannot be synced, with the reason. It has to stay out of plans, not count as deleted. */
  readonly skipped: Map<string, string>;
  /** Paths that answer with an entry of another spelling. They are not `seen`. */
  readonly twins: readonly Twin[];
  /** Files that were being written; look again later. One with a new name is in `found` with its old content. */
  readonly unstable: Set<string>;
  /** What rules leave out, and what else is not synced, under the name that it has; nothing that is inside such a directory. */
  readonly leftOut: Map<string, LeftOut>;
  readonly entries: number;
}

const neverSynced = {
  link: 'symbolic links are not synced',
  special: 'is a special file',
  signIn: "holds a device's sign-in, which stays on that device",
};

/** Whether a reason for leaving a path out is its kind, which no sync could change. */
export function isNeverSynced(reason: string): boolean {
  return Object.values(neverSynced).includes(reason);
}

/** Files that are read at the same time. */
const CONCURRENT_FILES = 8;

/** Entries of a directory that are looked at together: most of that is waiting. */
const LOOK_AHEAD = 64;

/**
 * Looks at a path and all that is below it (`''` is the whole folder). A file is read only when its time stamps, size
 * or inode say that it may have changed; an inode that moved keeps its hashes.
 */
export async function scan(path: string, options: ScanOptions): Promise<ScanResult> {
  const { root, folderId, ignores, known, pool } = options;
  const result = newResult();
  const twin = path === '' ? undefined : await findTwin(root, path);
  if (twin) return { ...result, twins: [twin] };
  let entries = 0;
  const byHint = options.byHint ?? hintIndex(known);
  const hashing = pLimit(CONCURRENT_FILES);
  const pending = new Set<Promise<void>>();

  const visitFile = async (at: string, stats: BigIntStats): Promise<void> => {
    const before = known.get(at);
    const hint = hintOf(stats);
    if (before?.kind === 'file' && before.hint === hint) return;
    const moved = before ? undefined : byHint(hint);
    if (moved) {
      result.found.set(at, { ...moved, ...attributes(stats) });
      return;
    }
    try {
      const hashed = await hashing(() => hashFile(join(root, at), pool, options.onReading?.(at, Number(stats.size))));
      if (!hashed) leaveForLater(at, stats);
      else if (hashed.isSignIn) result.skipped.set(at, neverSynced.signIn);
      else result.found.set(at, { ...attributes(hashed.stats), blocks: hashed.blocks, hint: hashed.hint });
    } catch (error) {
      if (systemCode(error) === 'ENOENT') result.seen.delete(at);
      else {
        const reason = `cannot be read: ${messageOf(error)}`;
        result.skipped.set(at, reason);
        result.leftOut.set(at, { identity: identityOf(stats), reason });
      }
    }
  };

  /** A file that is being written may have been renamed before: its name is told at once, its new content later. */
  const leaveForLater = (at: string, stats: BigIntStats): void => {
    result.unstable.add(at);
    const old = known.has(at) ? undefined : options.byIdentity?.(identityOf(stats));
    if (old?.kind !== 'file') return;
    const { kind, size, mode, mtime_ms, blocks } = old;
    result.found.set(at, { kind, size, mode, mtime_ms, blocks, identity: identityOf(stats), hint: '' });
  };

  const lookAt = async (at: string): Promise<BigIntStats | undefined> => {
    try {
      return await lstat(join(root, at), { bigint: true }).catch(missing);
    } catch (error) {
      result.skipped.set(at, `cannot be looked at: ${messageOf(error)}`);
      return undefined;
    }
  };

  /** @param stats of the entry; `undefined` when it is gone, and for the root, whose own do not matter */
  const visit = async (at: string, stats: BigIntStats | undefined): Promise<void> => {
    if (at !== '' && !stats) return;
    const by = stats && ignores(at, stats.isDirectory());
    if (by) {
      result.leftOut.set(at, {
        identity: identityOf(stats),
        reason: `the rule ${describeExclusion(by)} leaves it out`,
      });
      return;
    }
    const problem = at === '' ? undefined : pathProblem(at);
    if (problem) {
      const reason = `the name ${problem}; rename it to sync it`;
      result.skipped.set(at, reason);
      if (stats) result.leftOut.set(at, { identity: identityOf(stats), reason });
      return;
    }
    if (options.apart?.has(at)) {
      result.skipped.set(at, neverSynced.signIn);
      return;
    }
    entries++;
    if (entries % 500 === 0) options.onProgress?.(entries);
    if (stats?.isFile()) {
      result.seen.add(at);
      const work = visitFile(at, stats).finally(() => pending.delete(work));
      pending.add(work);
      if (pending.size >= 4 * CONCURRENT_FILES) await Promise.race(pending);
      return;
    }
    if (stats && !stats.isDirectory()) {
      result.skipped.set(at, stats.isSymbolicLink() ? neverSynced.link : neverSynced.special);
      return;
    }
    if (stats && (await lookAt(statePlace(at)))) {
      result.skipped.set(at, `is a synced folder of its own; delete ${at}/${stateFolder} to sync it with this one`);
      return;
    }
    if (stats) {
      result.seen.add(at);
      visitDirectory(at, stats);
    }
    options.onDirectory?.(at);
    await visitChildren(at);
  };

  const visitDirectory = (at: string, stats: BigIntStats): void => {
    const before = known.get(at);
    const entry = { ...attributes(stats), blocks: [], hint: '' };
    if (before?.kind === 'directory' && before.identity === entry.identity && before.mode === entry.mode) return;
    result.found.set(at, before?.leftover ? { ...entry, leftover: true } : entry);
  };

  const visitChildren = async (at: string): Promise<void> => {
    let names: string[];
    try {
      names = await readdir(join(root, at));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') result.skipped.set(at, `cannot be listed: ${messageOf(error)}`);
      return;
    }
    const listed = new Set(names);
    for (let from = 0; from < names.length; from += LOOK_AHEAD) {
      const part = names.slice(from, from + LOOK_AHEAD);
      const stats = await Promise.all(part.map((name) => lookAt(pathInside(at, name))));
      for (const [index, name] of part.entries()) await visitChild(at, name, stats[index], listed);
    }
  };

  const visitChild = async (
    at: string,
    name: string,
    stats: BigIntStats | undefined,
    listed: ReadonlySet<string>,
  ): Promise<void> => {
    const child = pathInside(at, name);
    if (isTemporary(name, folderId) && stats?.isFile()) {
      if (options.removeTemporary) await unlink(join(root, child)).catch(missing);
      return;
    }
    if (!stats && name.includes(undecodable)) {
      result.skipped.set(child, 'the name is not valid UTF-8; rename it to sync it');
      return;
    }
    const composed = name.normalize('NFC');
    // A file system that takes both forms for one name (macOS) is asked by the form that travels.
    const there = composed !== name && !listed.has(composed) ? await lookAt(pathInside(at, composed)) : undefined;
    if (composed !== name && stats && !there) {
      const twin = listed.has(composed) ? ', and one that looks the same lies beside it' : '';
      result.skipped.set(child, `${decomposition(name)}${twin}; rename it to sync it`);
      return;
    }
    await (there ? visit(pathInside(at, composed), there) : visit(child, stats));
  };

  await visit(path, path === '' ? undefined : await lookAt(path));
  await Promise.all(pending);
  return { ...result, entries, twins: await findTwins(options.suspects ?? [], root, result) };
}

function newResult() {
  return {
    found: new Map<string, LocalEntry>(),
    seen: new Set<string>(),
    skipped: new Map<string, string>(),
    unstable: new Set<string>(),
    leftOut: new Map<string, LeftOut>(),
    twins: [],
    entries: 0,
  };
}

/** Says what nobody sees: which characters of a name are written in parts. */
function decomposition(name: string): string {
  const codes = (text: string): string =>
    [...text]
      .map((character) => `U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
      .join(' ');
  const [first] = [...new Intl.Segmenter().segment(name)].filter(({ segment }) => segment !== segment.normalize('NFC'));
  const part = first?.segment ?? name;
  return `the name writes “${part}” as ${codes(part)}, and other devices as ${codes(part.normalize('NFC'))}`;
}

/** Of paths that were not met, those that the disk answers to. What is inside of one that is gone is gone as well. */
async function findTwins(
  suspects: Iterable<string>,
  root: string,
  { seen, skipped }: Pick<ScanResult, 'seen' | 'skipped'>,
): Promise<Twin[]> {
  const twins: Twin[] = [];
  const directories = new Map<string, Promise<string | undefined>>();
  for (const path of suspects) {
    const parent = parentOf(path);
    if (seen.has(path) || (parent !== '' && !seen.has(parent))) continue;
    if ([path, ...ancestors(path)].some((at) => skipped.has(at))) continue;
    const twin = await findTwin(root, path, directories);
    if (twin) twins.push(twin);
  }
  return twins;
}

function attributes(stats: BigIntStats): Omit<LocalEntry, 'blocks'> {
  const kind = stats.isDirectory() ? 'directory' : 'file';
  return {
    kind,
    size: kind === 'file' ? Number(stats.size) : 0,
    mode: syncedMode(kind, Number(stats.mode)),
    mtime_ms: Math.floor(Number(stats.mtimeNs) / 1e6),
    identity: identityOf(stats),
    hint: kind === 'file' ? hintOf(stats) : '',
  };
}

function missing(error: unknown): undefined {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
