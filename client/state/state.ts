/** The state: what a device remembers of its folder, in memory and in one file. */

import { randomUUID } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import type { LocalEntry, RemoteEntry, SyncedEntry, Trees } from '../plan/tree.ts';
import { type Held, united } from './at-path.ts';
import { asInteger, decodeRow, encodeRow, NOTHING, type PathRow, putRow } from './entry-row.ts';
import { HeldTrees } from './held-trees.ts';
import type { Intent } from './intent.ts';
import { takeOlderRows } from './older-rows.ts';
import { statePlace } from './places.ts';
import { guarded, openStateFile, sqliteCode } from './state-file.ts';

interface TreeTypes {
  local: LocalEntry;
  remote: RemoteEntry;
  synced: SyncedEntry;
}

/** A transaction writes what it changed once it is so many paths: until then an entry takes twice its memory. */
const MOST_UNWRITTEN = 10_000;

/**
 * What a device knows about its folder: the three trees, the cursor, calls without an answer, open uploads, and what
 * could not be synced. The trees are in memory and written through to one SQLite file. The file is written after the
 * disk: losing its last transactions in a crash costs a second look at some files, and nothing else. What is to be sent
 * is on the disk before.
 */
export class State {
  readonly #held = new HeldTrees((path) => this.#pathsWithin(path));
  readonly trees: Trees = this.#held;
  readonly #place: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  readonly #below: StatementSync;
  readonly #ofInode: StatementSync;
  readonly #facts = new Map<string, string>();
  readonly #intents = new Map<string, Intent>();
  /** What takes facts and calls back to where the open transaction began, in the order of the changes. */
  #undo: (() => void)[] | undefined;
  /** What was held before the open transaction, at the paths that it changed. */
  readonly #changed = new Map<string, Held | undefined>();
  /** Paths of these whose rows are to be written. */
  readonly #unwritten = new Set<string>();

  /** @throws LocalTrouble when the disk is full or fails, ClientError `state_damaged` when the file is no state */
  constructor(folder: string) {
    this.#place = statePlace(folder);
    this.#database = openStateFile(this.#place, (database) => this.#load(database));
    this.#put = this.#database.prepare(putRow);
    this.#drop = this.#database.prepare('DELETE FROM rows WHERE path = ?');
    // What follows the slash comes before what follows the next character.
    this.#below = this.#database.prepare(
      "SELECT path FROM rows WHERE path = ?1 UNION ALL SELECT path FROM rows WHERE path > ?1 || '/' AND path < ?1 || '0'",
    );
    this.#ofInode = this.#database.prepare('SELECT path FROM rows WHERE inode = ?1 OR base_inode = ?1');
  }

  #load(database: DatabaseSync): void {
    for (const { name, value } of database.prepare('SELECT name, value FROM facts').all()) {
      this.#facts.set(name as string, value as string);
    }
    for (const { intent } of database.prepare('SELECT intent FROM intents ORDER BY number').all()) {
      const noted = JSON.parse(intent as string) as Intent;
      this.#intents.set(noted.id, noted);
    }
    takeOlderRows(database);
    const rows = database.prepare('SELECT path, row, blocks FROM rows').iterate();
    for (const row of rows as Iterable<Pick<PathRow, 'path' | 'row' | 'blocks'>>)
      this.#held.hold(row.path, decodeRow(row));
  }

  set<Tree extends keyof TreeTypes>(tree: Tree, path: string, entry: TreeTypes[Tree]): void {
    this.#change(tree, path, entry);
  }

  remove(tree: keyof TreeTypes, path: string): void {
    if (this.trees[tree].has(path)) this.#change(tree, path, undefined);
  }

  /** In the open transaction, or in one of its own. */
  #change<Tree extends keyof TreeTypes>(tree: Tree, path: string, entry: TreeTypes[Tree] | undefined): void {
    if (!this.#undo) {
      this.transaction(() => this.#change(tree, path, entry));
      return;
    }
    if (!this.#changed.has(path)) this.#changed.set(path, this.#held.at(path));
    this.#held.hold(path, { ...this.#held.entriesAt(path), [tree]: entry });
    this.#unwritten.add(path);
    if (this.#unwritten.size > MOST_UNWRITTEN) this.#write();
  }

  /** Writes what the trees have at the changed paths. */
  #write(): void {
    for (const path of this.#unwritten) {
      const here = united(this.#held.entriesAt(path));
      const { row, blocks, inode, base_inode } = encodeRow(here);
      guarded(this.#place, () =>
        row === NOTHING ? this.#drop.run(path) : this.#put.run(path, row, blocks, inode, base_inode),
      );
      this.#held.hold(path, blocks ? here : row);
    }
    this.#unwritten.clear();
  }

  /** The paths at which the trees differ, or something is marked: at all others nothing is to be done, whatever rules apply. */
  differing(): Iterable<string> {
    return this.#held.differing();
  }

  #pathsWithin(path: string): string[] {
    return this.#pathsOf(this.#below, path);
  }

  /** The paths of what has this inode, by what the disk held there or by what both sides agreed on. */
  readonly pathsWithInode = (inode: bigint): string[] => this.#pathsOf(this.#ofInode, asInteger(inode));

  #pathsOf(statement: StatementSync, value: SQLInputValue): string[] {
    this.#write();
    return guarded(this.#place, () => statement.all(value).map((row) => row.path as string));
  }

  #remember<Value>(memory: Map<string, Value>, key: string): void {
    const before = memory.get(key);
    this.#undo?.push(() => void (before === undefined ? memory.delete(key) : memory.set(key, before)));
  }

  /** Runs `work` in one transaction. When it throws or the file cannot be written, file and memory are as before. */
  transaction<Result>(work: () => Result): Result {
    if (this.#undo) return work();
    const undo: (() => void)[] = [];
    this.#rollBack();
    this.#exec('BEGIN');
    this.#undo = undo;
    try {
      const result = work();
      this.#write();
      this.#exec('COMMIT');
      return result;
    } catch (error) {
      for (const [path, before] of this.#changed) this.#held.hold(path, before);
      for (const back of undo.reverse()) back();
      this.#rollBack();
      throw error;
    } finally {
      this.#undo = undefined;
      this.#changed.clear();
      this.#unwritten.clear();
    }
  }

  /** Ends a transaction that failed, unless SQLite has done so itself; one that cannot be ended is tried again. */
  #rollBack(): void {
    try {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
    } catch (error) {
      if (sqliteCode(error) === undefined) throw error;
    }
  }

  #exec(sql: string): void {
    guarded(this.#place, () => this.#database.exec(sql));
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    guarded(this.#place, () => this.#database.prepare(sql).run(...values));
  }

  #rows(sql: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return guarded(this.#place, () => this.#database.prepare(sql).all(...values));
  }

  fact(name: string): string | undefined {
    return this.#facts.get(name);
  }

  setFact(name: string, value: string): void {
    this.#run('INSERT OR REPLACE INTO facts VALUES (?, ?)', name, value);
    this.#remember(this.#facts, name);
    this.#facts.set(name, value);
  }

  get cursor(): number {
    return Number(this.fact('cursor') ?? 0);
  }

  /** The timeline that the cursor counts in. */
  get timeline(): string | undefined {
    return this.fact('timeline');
  }

  set timeline(timeline: string | undefined) {
    if (timeline !== undefined && timeline !== this.timeline) this.setFact('timeline', timeline);
  }

  /** Marks the folder, so that another one in its place is noticed. */
  get folderId(): string {
    const known = this.fact('folder_id');
    if (known !== undefined) return known;
    const fresh = randomUUID();
    this.setFact('folder_id', fresh);
    return fresh;
  }

  /** Calls that were sent and whose answers were not taken over, in the order in which they were sent. */
  get intents(): readonly Intent[] {
    return [...this.#intents.values()];
  }

  /** What the service has and this client cannot read, by path, in words. */
  get unreadable(): ReadonlyMap<string, string> {
    return new Map(JSON.parse(this.fact('unreadable') ?? '[]') as [string, string][]);
  }

  set unreadable(unreadable: ReadonlyMap<string, string>) {
    const before = this.unreadable;
    if (before.size === 0 && unreadable.size === 0) return;
    this.setFact('unreadable', JSON.stringify([...unreadable]));
    for (const path of before.keys()) if (!unreadable.has(path)) this.clearProblem(path);
    for (const [path, message] of unreadable) this.setProblem(path, message);
  }

  /** Writes a call down before it is sent. It survives a power cut, so that no transaction may be open. */
  noteIntent(intent: Intent): void {
    this.#exec('PRAGMA synchronous = FULL');
    try {
      this.#run('INSERT OR REPLACE INTO intents (id, intent) VALUES (?, ?)', intent.id, JSON.stringify(intent));
    } finally {
      this.#exec('PRAGMA synchronous = NORMAL');
    }
    this.#intents.set(intent.id, intent);
  }

  /** The call has its answer. */
  dropIntent(id: string): void {
    this.#run('DELETE FROM intents WHERE id = ?', id);
    this.#remember(this.#intents, id);
    this.#intents.delete(id);
  }

  /** The upload in which these files are being uploaded; the same one after a restart. */
  uploadId(filesDigest: string): string {
    const [row] = this.#rows('SELECT upload_id FROM uploads WHERE files_digest = ?', filesDigest);
    if (row) return row.upload_id as string;
    const fresh = randomUUID();
    this.#run('INSERT INTO uploads VALUES (?, ?, ?)', filesDigest, fresh, Date.now());
    return fresh;
  }

  /** The upload is over. */
  endUpload(uploadId: string): void {
    this.#run('DELETE FROM uploads WHERE upload_id = ?', uploadId);
    this.#dropSentBlocks();
  }

  dropUploadsBefore(time: number): void {
    this.#run('DELETE FROM uploads WHERE created_at < ?', time);
    this.#dropSentBlocks();
  }

  /** Notes that the store took a block in this upload, so that a restart does not send it again. */
  noteSent(uploadId: string, hash: string, bytes: number): void {
    this.#run('INSERT OR REPLACE INTO sent_blocks VALUES (?, ?, ?)', uploadId, hash, bytes);
  }

  /** The store has lost blocks of this upload: all are sent again. */
  forgetSent(uploadId: string): void {
    this.#run('DELETE FROM sent_blocks WHERE upload_id = ?', uploadId);
  }

  /** Blocks that the store took in this upload, with the bytes that crossed the wire for each. */
  sentBlocks(uploadId: string): Map<string, number> {
    const rows = this.#rows('SELECT hash, bytes FROM sent_blocks WHERE upload_id = ?', uploadId);
    return new Map(rows.map((row) => [row.hash as string, row.bytes as number]));
  }

  #dropSentBlocks(): void {
    this.#exec('DELETE FROM sent_blocks WHERE upload_id NOT IN (SELECT upload_id FROM uploads)');
  }

  setProblem(path: string, message: string): void {
    this.#run('INSERT OR REPLACE INTO problems VALUES (?, ?)', path, message);
  }

  clearProblem(path: string): void {
    this.#run('DELETE FROM problems WHERE path = ?', path);
  }

  /** Forgets all problems but what cannot be read, which is not read again: a fresh run finds those that are left. */
  clearProblems(): void {
    this.#exec('DELETE FROM problems');
    for (const [path, message] of this.unreadable) this.setProblem(path, message);
  }

  problems(): { path: string; message: string }[] {
    const rows = this.#rows('SELECT path, message FROM problems ORDER BY path');
    return rows.map((row) => ({ path: row.path as string, message: row.message as string }));
  }

  close(): void {
    this.#database.close();
  }
}
