import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chown, mkdir, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client, Pool } from 'pg';
import { readIfExists } from '../../files.ts';
import type { Log } from '../../types.ts';
import { type PostgresHost, preparePostgresHost } from './host.ts';
import { stopOrphan } from './orphan.ts';

/** The bootstrap superuser, named as on RDS; nothing but the local cloud itself connects as this user. */
const SUPERUSER = 'rdsadmin';
const START_MS = 30_000;
/** sun_path holds 104 bytes on macOS, with `/.s.PGSQL.5432` and a terminator. */
const MAX_SOCKET_FOLDER = 85;

export interface Postgres {
  /** The Unix socket of the server. Whoever can open it is trusted: only root and the server's user can. */
  readonly socket: string;
  /** How the superuser gets in through it. */
  readonly superuser: { readonly host: string; readonly port: number; readonly user: string };
  /** Connections of the superuser to the database `postgres`. */
  readonly pool: Pool;
  /** Opens one connection as any user. The caller ends it. */
  connect(user: string, database: string): Promise<Client>;
  stop(): Promise<void>;
}

async function initialise({ runAs, binaries, folder }: PostgresHost): Promise<void> {
  const data = join(folder, 'data');
  if ((await readIfExists(join(data, 'initialised'))) !== undefined) return;
  await rm(data, { recursive: true, force: true }); // an initdb that was cut short
  const flags = ['--auth=trust', `--username=${SUPERUSER}`, '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const options = { ...runAs, cwd: '/', env: { PATH: process.env.PATH } };
  await promisify(execFile)(join(binaries, 'bin', 'initdb'), [`--pgdata=${data}`, ...flags], options);
  await (await open(join(data, 'initialised'), 'w')).close();
}

/** A folder for the socket that only the server's user (and root) can enter, with a path short enough for a socket. */
async function socketFolder({ runAs, folder }: PostgresHost): Promise<string> {
  const near = join(folder, 'socket');
  const short = join(tmpdir(), `tidemark-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
  const path = Buffer.byteLength(near) <= MAX_SOCKET_FOLDER ? near : short;
  // Made anew, so that nobody else's folder of that name in a shared temporary folder is used.
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { mode: 0o700 });
  if (runAs.uid !== undefined) await chown(path, runAs.uid, runAs.gid);
  return path;
}

/** The server's process, its output appended to a log; `exited` is when it is gone, or could not be started. */
async function spawnServer(
  host: PostgresHost,
  socketDirectory: string,
  logPath: string,
): Promise<{ child: ChildProcess; exited: Promise<void> }> {
  const logFile = await open(logPath, 'a', 0o600);
  const settings = {
    listen_addresses: '',
    unix_socket_directories: socketDirectory,
    max_connections: 200,
    shared_buffers: '64MB',
    timezone: 'UTC',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(host.binaries, 'bin', 'postgres'), ['-D', join(host.folder, 'data'), ...flags], {
    ...host.runAs,
    cwd: '/',
    env: { PATH: process.env.PATH },
    stdio: ['ignore', logFile.fd, logFile.fd],
    // A group of its own: Ctrl-C reaches this process first, which stops the server last.
    detached: true,
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
  await logFile.close();
  return { child, exited };
}

async function connectTo(socketDirectory: string, user: string, database: string): Promise<Client> {
  const client = new Client({ host: socketDirectory, port: 5432, user, database });
  client.on('error', () => undefined); // a lost connection surfaces in the next query
  await client.connect();
  return client;
}

/** Waits until the server lets its superuser in. Throws the last error once it is gone, or after START_MS. */
async function untilReady(child: ChildProcess, socketDirectory: string): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    try {
      await (await connectTo(socketDirectory, SUPERUSER, 'postgres')).end();
      return;
    } catch (error) {
      if (child.exitCode !== null || child.pid === undefined || Date.now() > end) throw error;
      await sleep(25);
    }
  }
}

/** Starts the server with durable commits (fsync on), reachable through its Unix socket only. */
export async function startPostgres(data: string, log: Log): Promise<Postgres> {
  const host = await preparePostgresHost(data, log);
  await stopOrphan(join(host.folder, 'data'), log);
  await initialise(host);
  const socketDirectory = await socketFolder(host);
  const logPath = join(data, 'postgres.log');
  const { child, exited } = await spawnServer(host, socketDirectory, logPath);

  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill('SIGINT'); // PostgreSQL's fast shutdown
    await exited;
    await rm(socketDirectory, { recursive: true, force: true });
  };
  await untilReady(child, socketDirectory).catch(async (cause: unknown) => {
    await stop();
    throw new Error(`PostgreSQL did not start: read ${logPath}`, { cause });
  });
  void exited.then(() => {
    if (!stopping) log(`postgres: the server has stopped unexpectedly: read ${logPath} and start again`);
  });

  const superuser = { host: socketDirectory, port: 5432, user: SUPERUSER };
  const pool = new Pool({ ...superuser, database: 'postgres', max: 10 });
  pool.on('error', () => undefined); // an idle connection that the server closed is replaced at the next query
  return {
    socket: join(socketDirectory, '.s.PGSQL.5432'),
    superuser,
    pool,
    connect: (user, database) => connectTo(socketDirectory, user, database),
    async stop() {
      stopping = true;
      await pool.end();
      await stop();
    },
  };
}
