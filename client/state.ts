import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { decodeEntry, type EntryRow, encodeEntry } from './state-row.ts';
import type { LocalEntry, RemoteEntry, SyncedEntry } from './tree.ts';

/** The folder, inside a synced folder, that holds the client's own files. It is never synced. */
export const stateFolder = '.tidemark';

interface TreeTypes {
  local: LocalEntry;
  remote: RemoteEntry;
  synced: SyncedEntry;
}

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    tree TEXT NOT NULL, path TEXT NOT NULL, entry TEXT NOT NULL, blocks BLOB NOT NULL,
    PRIMARY KEY (tree, path)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    files_digest TEXT PRIMARY KEY, upload_id TEXT NOT NULL, created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sent_blocks (
    upload_id TEXT NOT NULL, hash TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (upload_id, hash)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS problems (path TEXT PRIMARY KEY, message TEXT NOT NULL) WITHOUT ROWID;
`;

/**
 * What a device knows about its folder: the three trees, the cursor, open uploads, and what could not be synced.
 * The trees are in memory and written through to one SQLite file. The file is written after the disk: losing its last
 * transactions in a crash costs a second look at some files, and nothing else.
 */
export class State {
  readonly trees = {
    local: new Map<string, LocalEntry>(),
    remote: new Map<string, RemoteEntry>(),
    synced: new Map<string, SyncedEntry>(),
  };
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #drop: StatementSync;
  #depth = 0;

  constructor(folder: string) {
    mkdirSync(join(folder, stateFolder), { recursive: true, mode: 0o700 });
    this.#database = new DatabaseSync(join(folder, stateFolder, 'state.db'));
    this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
    this.#database.exec(schema);
    this.#put = this.#database.prepare('INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)');
    this.#drop = this.#database.prepare('DELETE FROM entries WHERE tree = ? AND path = ?');
    const trees: { [Tree in keyof TreeTypes]: Map<string, TreeTypes[Tree]> } = this.trees;
    for (const row of this.#database.prepare('SELECT * FROM entries').iterate() as Iterable<EntryRow>) {
      const tree = row.tree as keyof TreeTypes;
      trees[tree].set(row.path, decodeEntry(row) as TreeTypes[keyof TreeTypes] & never);
    }
  }

  set<Tree extends keyof TreeTypes>(tree: Tree, path: string, entry: TreeTypes[Tree]): void {
    (this.trees[tree] as Map<string, TreeTypes[Tree]>).set(path, entry);
    const { json, blocks } = encodeEntry(entry);
    this.#put.run(tree, path, json, blocks);
  }

  remove(tree: keyof TreeTypes, path: string): void {
    if (this.trees[tree].delete(path)) this.#drop.run(tree, path);
  }

  /** Runs `work` in one transaction. The memory is not rolled back: a failure here ends the process. */
  transaction<Result>(work: () => Result): Result {
    if (this.#depth > 0) return work();
    this.#depth++;
    this.#database.exec('BEGIN');
    try {
      return work();
    } finally {
      this.#depth--;
      this.#database.exec('COMMIT');
    }
  }

  fact(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM facts WHERE name = ?').get(name);
    return row?.value as string | undefined;
  }

  setFact(name: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO facts VALUES (?, ?)').run(name, value);
  }

  get cursor(): number {
    return Number(this.fact('cursor') ?? 0);
  }

  /** Marks the folder, so that another one in its place is noticed. */
  get folderId(): string {
    const known = this.fact('folder_id');
    if (known !== undefined) return known;
    const fresh = randomUUID();
    this.setFact('folder_id', fresh);
    return fresh;
  }

  /** The session in which these files are being uploaded; the same one after a restart. */
  uploadId(filesDigest: string): string {
    const row = this.#database.prepare('SELECT upload_id FROM uploads WHERE files_digest = ?').get(filesDigest);
    if (row) return row.upload_id as string;
    const fresh = randomUUID();
    this.#database.prepare('INSERT INTO uploads VALUES (?, ?, ?)').run(filesDigest, fresh, Date.now());
    return fresh;
  }

  /** The session is over. */
  endUpload(filesDigest: string): void {
    this.#database.prepare('DELETE FROM uploads WHERE files_digest = ?').run(filesDigest);
    this.#dropSentBlocks();
  }

  dropUploadsBefore(time: number): void {
    this.#database.prepare('DELETE FROM uploads WHERE created_at < ?').run(time);
    this.#dropSentBlocks();
  }

  /** Notes that the store took a block in this session, so that a restart does not send it again. */
  noteSent(uploadId: string, hash: string, bytes: number): void {
    this.#database.prepare('INSERT OR REPLACE INTO sent_blocks VALUES (?, ?, ?)').run(uploadId, hash, bytes);
  }

  /** The store has lost blocks of this session: all are sent again. */
  forgetSent(uploadId: string): void {
    this.#database.prepare('DELETE FROM sent_blocks WHERE upload_id = ?').run(uploadId);
  }

  /** Blocks that the store took in this session, with the bytes that crossed the wire for each. */
  sentBlocks(uploadId: string): Map<string, number> {
    const rows = this.#database.prepare('SELECT hash, bytes FROM sent_blocks WHERE upload_id = ?').all(uploadId);
    return new Map(rows.map((row) => [row.hash as string, row.bytes as number]));
  }

  #dropSentBlocks(): void {
    this.#database.exec('DELETE FROM sent_blocks WHERE upload_id NOT IN (SELECT upload_id FROM uploads)');
  }

  setProblem(path: string, message: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO problems VALUES (?, ?)').run(path, message);
  }

  clearProblem(path: string): void {
    this.#database.prepare('DELETE FROM problems WHERE path = ?').run(path);
  }

  /** Forgets all problems: a fresh run finds those that are left. */
  clearProblems(): void {
    this.#database.exec('DELETE FROM problems');
  }

  problems(): { path: string; message: string }[] {
    const rows = this.#database.prepare('SELECT path, message FROM problems ORDER BY path').all();
    return rows.map((row) => ({ path: row.path as string, message: row.message as string }));
  }

  close(): void {
    this.#database.close();
  }
}
