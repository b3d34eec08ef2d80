/*
 * PostgreSQL's own continuous archiving and point-in-time recovery, by its low-level interface: pg_backup_start, a copy
 * of the data folder, pg_backup_stop, the archived log, recovery.signal.
 */

import { appendFile, chown, copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { type PostgresHost, preparePostgresHost } from '../aws/postgres/host.ts';
import { type Postgres, startPostgres } from '../aws/postgres/server.ts';
import type { Log } from '../types.ts';

/** Of this run or of this server alone: not in a base backup, as PostgreSQL's documentation lists them. */
const NOT_COPIED = new Set(['postmaster.pid', 'postmaster.opts', 'pg_wal', 'pg_replslot', 'pg_stat_tmp']);
const RECOVERY_MS = 60_000;

/** How to get in as superuser. */
type Superuser = Postgres['superuser'];

/** The database server of a local cloud, with what is kept of it outside. */
export class ArchivedServer {
  readonly #data: string;
  readonly #host: PostgresHost;
  readonly #log: Log;
  readonly #archive: string;
  readonly #base: string;

  private constructor(data: string, host: PostgresHost, log: Log) {
    this.#data = data;
    this.#host = host;
    this.#log = log;
    this.#archive = join(host.folder, 'archive');
    this.#base = join(host.folder, 'base');
  }

  /**
   * Makes the server of an empty data folder, with the archive turned on for the starts to come.
   * @param data folder of the local cloud
   */
  static async create(data: string, log: Log): Promise<ArchivedServer> {
    const server = new ArchivedServer(data, await preparePostgresHost(data, log), log);
    await server.#makeFolder(server.#archive);
    const postgres = await startPostgres(data, log);
    try {
      await postgres.pool.query(`alter system set archive_mode = 'on'`);
      await postgres.pool.query(`alter system set archive_command = 'cp "%p" "${server.#archive}/%f"'`);
    } finally {
      await postgres.stop();
    }
    return server;
  }

  /** Copies the data folder of the running server. Returns how many bytes that took. */
  async takeBaseBackup(superuser: Superuser): Promise<number> {
    return await session(superuser, async (client) => {
      await client.query(`select pg_backup_start('rehearsal', fast => true)`);
      const bytes = await this.#copy(this.#live, this.#base);
      const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop()');
      await this.#write(join(this.#base, 'backup_label'), rows[0]!.labelfile);
      return bytes;
    });
  }

  /** The time by the server's clock, in its own notation. */
  async now(superuser: Superuser): Promise<string> {
    const query = 'select clock_timestamp()::text as now';
    return await session(superuser, async (client) => (await client.query<{ now: string }>(query)).rows[0]!.now);
  }

  /** Waits until all that was committed is in the archive. */
  async archiveAll(superuser: Superuser): Promise<void> {
    await session(superuser, async (client) => {
      const switched = `select pg_walfile_name(pg_switch_wal()) as last`;
      const { last } = (await client.query<{ last: string }>(switched)).rows[0]!;
      while (!(await readdir(this.#archive)).includes(last)) await sleep(50);
    });
  }

  /** Deletes the data folder of the server, which has been stopped. */
  async destroy(): Promise<void> {
    await rm(this.#live, { recursive: true });
  }

  /** Puts the base backup in place and replays the archive up to `moment`. The server is stopped then, and writable. */
  async restore(moment: string): Promise<void> {
    await this.#copy(this.#base, this.#live);
    for (const name of ['pg_wal', 'pg_replslot', 'pg_stat_tmp']) await this.#makeFolder(join(this.#live, name));
    const settings = await readFile(join(this.#live, 'postgresql.auto.conf'), 'utf8');
    const recovery = [
      `restore_command = 'cp "${this.#archive}/%f" "%p"'`,
      `recovery_target_time = '${moment}'`,
      `recovery_target_action = 'promote'`,
      // The new server's log is not to overwrite the archive of the old one.
      `archive_mode = 'off'`,
    ];
    await appendFile(join(this.#live, 'postgresql.auto.conf'), `${recovery.join('\n')}\n`);
    await this.#write(join(this.#live, 'recovery.signal'), '');
    const postgres = await startPostgres(this.#data, this.#log);
    try {
      await untilPromoted(postgres);
    } finally {
      await postgres.stop();
    }
    const kept = settings.split('\n').filter((line) => !line.startsWith('archive_'));
    await this.#write(join(this.#live, 'postgresql.auto.conf'), kept.join('\n'));
  }

  get #live(): string {
    return join(this.#host.folder, 'data');
  }

  async #makeFolder(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await this.#handOver(path);
  }

  async #write(path: string, content: string): Promise<void> {
    await writeFile(path, content, { mode: 0o600 });
    await this.#handOver(path);
  }

  /** Gives a file to the user whom PostgreSQL runs as. */
  async #handOver(path: string): Promise<void> {
    const { uid, gid } = this.#host.runAs;
    if (uid !== undefined) await chown(path, uid, gid!);
  }

  /** Copies a data folder; files that PostgreSQL removes meanwhile are not needed. Returns the bytes. */
  async #copy(from: string, to: string): Promise<number> {
    await this.#makeFolder(to);
    let bytes = 0;
    for (const entry of await readdir(from, { withFileTypes: true })) {
      if (NOT_COPIED.has(entry.name)) continue;
      const [source, target] = [join(from, entry.name), join(to, entry.name)];
      if (entry.isDirectory()) bytes += await this.#copy(source, target);
      else if (await copyIfThere(source, target)) {
        await this.#handOver(target);
        bytes += (await stat(target)).size;
      }
    }
    return bytes;
  }
}

async function session<Result>(superuser: Superuser, work: (client: Client) => Promise<Result>): Promise<Result> {
  const client = new Client({ ...superuser, database: 'postgres' });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function untilPromoted({ pool }: Postgres): Promise<void> {
  const end = Date.now() + RECOVERY_MS;
  for (;;) {
    const { rows } = await pool.query<{ recovering: boolean }>('select pg_is_in_recovery() as recovering');
    if (!rows[0]!.recovering) return;
    if (Date.now() > end) throw new Error('PostgreSQL does not come to the moment that it is restored to');
    await sleep(50);
  }
}

async function copyIfThere(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
