/**
 * The disk: what lies in the folder (looking, watching, hashing, rules), and how it is changed so that no moment leaves
 * half a file. It knows nothing of the service.
 */

import { type BigIntStats, lstatSync } from 'node:fs';
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { messageOf } from '../../cli/reason.ts';
import { pathInside, pathProblem } from '../../protocol/path.ts';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { isMissing, systemCode } from '../common/errors.ts';
import { Turns } from '../common/turns.ts';
import { statePlace } from '../state/places.ts';
import { decomposition } from './decomposition.ts';
import type { OldVersion } from './hash-edited.ts';
import { type Hashed, hashCopy, hashFile } from './hash-file.ts';
import { describeExclusion } from './ignore.ts';
import { readLinkEntry } from './links.ts';
import { neverSynced } from './never-synced.ts';
import { isTemporary, undecodable } from './paths.ts';
import type { ScanOptions } from './scan-options.ts';
import { newResult, type ScanResult } from './scan-result.ts';
import { findTwin, findTwins, type Twin } from './spelling.ts';
import { attributesOf, hintOf, identityOf } from './stamps.ts';

/** Files that are read at the same time. */
const CONCURRENT_FILES = 8;

/** Of files that are larger than this a look reads so many bytes itself, in a fraction of a second. */
const LARGER_BYTES = 1024 * 1024;
const MOST_LARGER_BYTES = 64 * 1024 * 1024;

/**
 * Looks at paths and all that is below them (`''` is the whole folder), none of which lies in another. A file is read
 * only when its time stamps, size or inode say that it may have changed; an inode that moved keeps its hashes.
 */
export function scan(paths: Iterable<string>, options: ScanOptions): Promise<ScanResult> {
  return new Scan(options).run(paths);
}

/** One look at the disk. */
class Scan {
  readonly #options: ScanOptions;
  readonly #result = newResult();
  readonly #hashing = pLimit(CONCURRENT_FILES);
  /** Files that are being looked at beside the walk. */
  readonly #pending = new Set<Promise<void>>();
  readonly #turns = new Turns();
  #entries = 0;
  #largerBytes = 0;

  constructor(options: ScanOptions) {
    this.#options = options;
  }

  async run(paths: Iterable<string>): Promise<ScanResult> {
    const { suspects = [], root, spelled } = this.#options;
    const twins: Twin[] = [];
    for (const path of paths) {
      const twin = path === '' ? undefined : await findTwin(root, path, spelled);
      if (twin) twins.push(twin);
      else await this.#visit(path, path === '' ? undefined : this.#lookAt(path));
      await this.#turns.next();
    }
    await Promise.all(this.#pending);
    twins.push(...(await findTwins(suspects, root, this.#result)));
    const distinct = new Map(twins.map((twin) => [twin.path, twin]));
    return { ...this.#result, entries: this.#entries, twins: [...distinct.values()] };
  }

  /** @param stats of the entry; `undefined` when it is gone, and for the root, whose own do not matter */
  async #visit(at: string, stats: BigIntStats | undefined): Promise<void> {
    if (at !== '' && !stats) return;
    const by = stats && this.#options.ignores(at, stats.isDirectory());
    if (by) {
      const reason = `the rule ${describeExclusion(by)} leaves it out`;
      this.#result.leftOut.set(at, { identity: identityOf(stats), reason });
      return;
    }
    const problem = at === '' ? undefined : pathProblem(at);
    if (problem) {
      this.#skip(at, `the name ${problem}; rename it to sync it`, stats);
      return;
    }
    if (this.#options.apart?.has(at)) {
      this.#skip(at, neverSynced.signIn);
      return;
    }
    this.#entries++;
    if (this.#entries % 500 === 0) this.#options.onProgress?.(this.#entries);
    if (stats?.isFile()) {
      this.#result.seen.add(at);
      const work = this.#visitFile(at, stats).finally(() => this.#pending.delete(work));
      this.#pending.add(work);
      if (this.#pending.size >= 4 * CONCURRENT_FILES) await Promise.race(this.#pending);
      return;
    }
    if (stats?.isSymbolicLink()) {
      this.#visitLink(at, stats);
      return;
    }
    if (stats && !stats.isDirectory()) {
      this.#skip(at, neverSynced.special);
      return;
    }
    if (stats && this.#lookAt(statePlace(at))) {
      this.#skip(at, `is a synced folder of its own; delete ${at}/${stateFolder} to sync it with this one`);
      return;
    }
    if (stats) {
      this.#result.seen.add(at);
      this.#visitDirectory(at, stats);
    }
    this.#options.onDirectory?.(at);
    await this.#visitChildren(at);
  }

  #visitLink(at: string, stats: BigIntStats): void {
    const before = this.#options.known.get(at);
    if (before?.kind === 'link' && before.hint === hintOf(stats)) {
      this.#result.seen.add(at);
      return;
    }
    const found = readLinkEntry(this.#options.root, at, stats);
    if (found === undefined) return;
    if ('problem' in found) {
      this.#skip(at, found.problem, stats);
      return;
    }
    this.#result.seen.add(at);
    this.#result.find(at, found);
  }

  #visitDirectory(at: string, stats: BigIntStats): void {
    const before = this.#options.known.get(at);
    const entry = { ...attributesOf(stats), blocks: [], hint: '' };
    if (before?.kind === 'directory' && before.identity === entry.identity && before.mode === entry.mode) return;
    this.#result.find(at, before?.leftover ? { ...entry, leftover: true } : entry);
  }

  async #visitChildren(at: string): Promise<void> {
    let names: string[];
    try {
      names = await readdir(join(this.#options.root, at));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#skip(at, `cannot be listed: ${messageOf(error)}`);
      return;
    }
    const listed = new Set(names);
    for (const name of names) {
      await this.#visitChild(at, name, this.#lookAt(pathInside(at, name)), listed);
      await this.#turns.next();
    }
  }

  async #visitChild(
    at: string,
    name: string,
    stats: BigIntStats | undefined,
    listed: ReadonlySet<string>,
  ): Promise<void> {
    const child = pathInside(at, name);
    if (isTemporary(name, this.#options.folderId) && stats && !stats.isDirectory()) {
      if (this.#options.removeTemporary) await unlink(join(this.#options.root, child)).catch(missing);
      return;
    }
    if (!stats && name.includes(undecodable)) {
      this.#skip(child, 'the name is not valid UTF-8; rename it to sync it');
      return;
    }
    const composed = name.normalize('NFC');
    // A file system that takes both forms for one name (macOS) is asked by the form that travels.
    const there = composed !== name && !listed.has(composed) ? this.#lookAt(pathInside(at, composed)) : undefined;
    if (composed !== name && stats && !there) {
      const twin = listed.has(composed) ? ', and one that looks the same lies beside it' : '';
      this.#skip(child, `${decomposition(name)}${twin}; rename it to sync it`);
      return;
    }
    await (there ? this.#visit(pathInside(at, composed), there) : this.#visit(child, stats));
  }

  async #visitFile(at: string, stats: BigIntStats): Promise<void> {
    const before = this.#options.known.get(at);
    const hint = hintOf(stats);
    if (before?.kind === 'file' && before.hint === hint) return;
    if (before?.kind === 'file' && this.#options.postpones?.(at)) {
      this.#result.postponed.add(at);
      return;
    }
    const moved = before ? undefined : this.#options.byHint?.(hint);
    if (moved) {
      this.#result.find(at, { ...moved, ...attributesOf(stats) });
      return;
    }
    const old = this.#before(at, stats);
    try {
      const hashed = await this.#read(at, stats, old);
      if (hashed === 'beside') {
        this.#result.beingRead.add(at);
        this.#tellName(at, stats);
        return;
      }
      if (!hashed) this.#leaveForLater(at, stats);
      else if (hashed.isSignIn) this.#skip(at, neverSynced.signIn);
      else this.#result.find(at, { ...attributesOf(hashed.stats), blocks: hashed.blocks, hint: hashed.hint });
    } catch (error) {
      if (isMissing(error)) this.#result.seen.delete(at);
      else this.#skip(at, `cannot be read: ${messageOf(error)}`, stats);
    }
  }

  /** What is in a file; `beside` while that is read beside the looks. What has to be copied is small, and read at once. */
  async #read(at: string, stats: BigIntStats, old: OldVersion | undefined): Promise<Hashed | 'beside' | undefined> {
    const { root, pool, beside, onReading, onSketch, copyTo } = this.#options;
    const [place, size] = [join(root, at), Number(stats.size)];
    const options = { pool, old, onRead: onReading?.(at, size), onSketch };
    const read = (): Promise<Hashed | undefined> => hashFile(place, options);
    if (beside?.has(at)) return beside.read(at, stats, read) ?? 'beside';
    const copy = await copyTo?.(at);
    if (copy !== undefined) {
      const readCopy = (): Promise<Hashed | undefined> => hashCopy(place, copy, options);
      return this.#hashing(readCopy).catch((error) => {
        // Without a copy, then: there is no room for it, or the file is gone.
        if (systemCode(error) === undefined) throw error;
        return this.#hashing(read);
      });
    }
    const bytes = this.#largerBytes + (size > LARGER_BYTES ? size : 0);
    if (beside && bytes > MOST_LARGER_BYTES) return beside.read(at, stats, read) ?? 'beside';
    this.#largerBytes = bytes;
    return this.#hashing(read);
  }

  /** What is known of a file before it was edited, also under another name. */
  #before(at: string, stats: BigIntStats): OldVersion | undefined {
    const { known, byIdentity, placeOf = () => undefined } = this.#options;
    const old = known.get(at) ?? byIdentity?.(identityOf(stats));
    return old?.kind === 'file' && old.size > 0 ? { blocks: old.blocks, placeOf } : undefined;
  }

  /** A file that is being written may have been renamed before: its name is told at once, its new content later. */
  #leaveForLater(at: string, stats: BigIntStats): void {
    this.#result.unstable.add(at);
    this.#tellName(at, stats);
  }

  #tellName(at: string, stats: BigIntStats): void {
    const old = this.#options.known.has(at) ? undefined : this.#options.byIdentity?.(identityOf(stats));
    if (old?.kind !== 'file') return;
    const { kind, size, mode, mtime_ms, blocks } = old;
    this.#result.find(at, { kind, size, mode, mtime_ms, blocks, identity: identityOf(stats), hint: '' });
  }

  /** @param stats of what lies there, where it may be a known file under another name */
  #skip(at: string, reason: string, stats?: BigIntStats): void {
    this.#result.skipped.set(at, reason);
    if (stats) this.#result.leftOut.set(at, { identity: identityOf(stats), reason });
  }

  #lookAt(at: string): BigIntStats | undefined {
    try {
      return lstatSync(join(this.#options.root, at), { bigint: true, throwIfNoEntry: false });
    } catch (error) {
      if (systemCode(error) === 'ENOTDIR') return undefined;
      this.#skip(at, `cannot be looked at: ${messageOf(error)}`);
      return undefined;
    }
  }
}

function missing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
