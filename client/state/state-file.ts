import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ClientError, diskReason, LocalTrouble, systemCode } from '../common/errors.ts';

const schema = `
  CREATE TABLE IF NOT EXISTS rows (
    path TEXT PRIMARY KEY, row TEXT NOT NULL, blocks BLOB, inode INTEGER, base_inode INTEGER
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rows_inode ON rows (inode) WHERE inode IS NOT NULL;
  CREATE INDEX IF NOT EXISTS rows_base_inode ON rows (base_inode) WHERE base_inode IS NOT NULL;
  CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS uploads (
    files_digest TEXT PRIMARY KEY, upload_id TEXT NOT NULL, created_at INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sent_blocks (
    upload_id TEXT NOT NULL, hash TEXT NOT NULL, bytes INTEGER NOT NULL, PRIMARY KEY (upload_id, hash)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS intents (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, intent TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS problems (path TEXT PRIMARY KEY, message TEXT NOT NULL) WITHOUT ROWID;
`;

/** Primary result codes of SQLite (https://sqlite.org/rescode.html) that say what is wrong with the file or its disk. */
const CORRUPT = 11;
const NOT_A_DATABASE = 26;
const BUSY = 5;
const outside: Readonly<Record<number, string>> = {
  5: 'another process is using it',
  6: 'another process is using it',
  8: 'it is read-only',
  10: 'the disk is full or reports an error; if this stays, give --start-anew, which deletes nothing',
  13: 'the disk is full',
  14: 'it cannot be opened',
};

/** The primary result code of an error of SQLite, `undefined` for any other value. */
export function sqliteCode(error: unknown): number | undefined {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code & 0xff : undefined;
}

/** Whether another connection holds the file. */
export function isLocked(error: unknown): boolean {
  return sqliteCode(error) === BUSY;
}

/** The id of the folder whose state this is; `undefined` where there is none, or none that can be read. */
export function readFolderId(place: string): string | undefined {
  if (!existsSync(place)) return undefined;
  try {
    const database = new DatabaseSync(place, { readOnly: true });
    try {
      const row = database.prepare(`SELECT value FROM facts WHERE name = 'folder_id'`).get();
      return row?.value as string | undefined;
    } finally {
      database.close();
    }
  } catch (error) {
    if (sqliteCode(error) === undefined) throw error;
    return undefined;
  }
}

/** The file does not hold what this client wrote into it. */
export function stateDamaged(place: string, cause?: unknown): ClientError {
  return new ClientError(
    'state_damaged',
    `${place} is damaged or empty: sync again with --start-anew. This folder is then merged with the service as on ` +
      'the first day; nothing is deleted.',
    { cause },
  );
}

/** Runs `work` on the file; what the file or its disk is to blame for is thrown in words. */
export function guarded<Result>(place: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    const code = sqliteCode(error);
    if (code === CORRUPT || code === NOT_A_DATABASE) throw stateDamaged(place, error);
    const reason = code === undefined ? undefined : outside[code];
    if (reason === undefined && systemCode(error) === undefined) throw error;
    throw new LocalTrouble(`${place} cannot be used: ${reason ?? diskReason(error)}`, { cause: error });
  }
}

/**
 * Opens the state's file, makes it where there is none, and hands it to `load`.
 * @throws LocalTrouble for a full disk and the like, ClientError `state_damaged` for content that is not a state
 */
export function openStateFile(place: string, load: (database: DatabaseSync) => void): DatabaseSync {
  return guarded(place, () => {
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    const database = new DatabaseSync(place);
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
      database.exec(schema);
      load(database);
      return database;
    } catch (error) {
      database.close();
      const code = sqliteCode(error);
      throw code !== undefined && outside[code] !== undefined ? error : stateDamaged(place, error);
    }
  });
}
