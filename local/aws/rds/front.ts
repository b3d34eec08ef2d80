import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { reason } from '../../errors.ts';
import { ACCOUNT, type Caller, type Identities, type Log, REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import type { Postgres } from '../postgres/server.ts';
import { verifyToken } from '../presigned-token.ts';
import {
  askPassword,
  CANCEL_REQUEST,
  fatal,
  GSS_REQUEST,
  readStartPacket,
  SSL_REQUEST,
  startParameters,
  withSettings,
} from './messages.ts';
import { PinWatch, refusedStart } from './proxy.ts';

const SIGN_IN_MS = 20_000;

/** What a client reaches under a host name. */
export interface Dialled {
  /** What rds-db:connect is granted on: cluster-… or prx-… */
  readonly resourceId: string;
  /** The role with which a proxy signs in to the cluster. */
  readonly proxyRole?: Caller;
}

interface Front {
  readonly postgres: Postgres;
  /** The cluster's own. */
  readonly resourceId: string;
  readonly dialled: (host: string) => Dialled | undefined;
  /** What connections begin with, by the cluster's parameter group. */
  readonly settings: Readonly<Record<string, string>>;
  /** Told of each statement that makes a proxy keep a connection for one client. */
  readonly pinned: (user: string, why: string) => void;
  readonly identities: Identities;
  readonly access: Access;
  readonly port: number;
  readonly log: Log;
}

function userArn(resourceId: string, user: string): string {
  return `arn:aws:rds-db:${REGION}:${ACCOUNT}:dbuser:${resourceId}/${user}`;
}

/** What a client meant to reach: its token says so. */
function dialledBy(front: Front, token: string): Dialled | undefined {
  return front.dialled(token.slice(0, token.indexOf('/')).split(':')[0] ?? '');
}

/** Why a user with this token may not enter; undefined for a user who may. */
async function refusal(front: Front, user: string, token: string): Promise<string | undefined> {
  try {
    const { principal, url } = verifyToken(token, 'rds-db', { Action: 'connect', DBUser: user }, front.identities);
    const dialled = dialledBy(front, token);
    if (!dialled || Number(url.port) !== front.port) return `the token is for ${url.host}, which is not this server`;
    front.access.reach(principal, 'rds-db');
    front.access.demand(principal, 'rds-db:connect', userArn(dialled.resourceId, user));
    if (dialled.proxyRole) {
      front.access.demand(dialled.proxyRole, 'rds-db:connect', userArn(front.resourceId, user));
    }
    const query =
      "SELECT pg_has_role(oid, 'rds_iam', 'MEMBER') AS iam FROM pg_roles WHERE rolname = $1 AND rolcanlogin";
    const { rows } = await front.postgres.pool.query<{ iam: boolean }>(query, [user]);
    if (!rows[0]?.iam) return `the role ${user} does not exist or was not granted rds_iam`;
    return undefined;
  } catch (error) {
    return reason(error);
  }
}

function pipe(client: Socket, socketPath: string, first: Buffer, watch?: PinWatch): void {
  const server = dial(socketPath);
  server.setNoDelay(true);
  const end = (): void => {
    client.destroy();
    server.destroy();
  };
  for (const socket of [client, server]) socket.on('error', end).on('close', end);
  server.write(first);
  if (watch) client.on('data', (piece: Buffer) => watch.see(piece));
  client.pipe(server);
  server.pipe(client);
}

async function upgrade(socket: Socket, secureContext: SecureContext): Promise<TLSSocket> {
  socket.write('S');
  const secure = new TLSSocket(socket, { isServer: true, secureContext });
  await new Promise<void>((resolve, reject) => secure.once('secure', resolve).once('error', reject));
  secure.on('error', () => secure.destroy());
  return secure;
}

async function serve(front: Front, socket: Socket, context: SecureContext): Promise<void> {
  let client: Socket = socket;
  let start = await readStartPacket(client);
  if (start.code === GSS_REQUEST) {
    client.write('N');
    start = await readStartPacket(client);
  }
  if (start.code === SSL_REQUEST) {
    client = await upgrade(client, context);
    start = await readStartPacket(client);
  }
  if (start.code === CANCEL_REQUEST) return pipe(client, front.postgres.socket, start.packet);
  const parameters = startParameters(start);
  const user = parameters?.get('user');
  if (!user) return void client.end(fatal('08P01', 'unsupported start-up packet'));
  if (client === socket) {
    const message = `no pg_hba.conf entry for host "127.0.0.1", user "${user}", database "${parameters?.get('database') ?? user}", no encryption`;
    return void client.end(fatal('28000', message));
  }
  const token = await askPassword(client);
  const isProxied = dialledBy(front, token)?.proxyRole !== undefined;
  const unsupported = isProxied ? refusedStart(parameters?.keys() ?? []) : undefined;
  if (unsupported !== undefined) {
    front.log(`rds: ${user} was refused: ${unsupported} Give it to the cluster's parameter group.`);
    return void client.end(fatal('0A000', unsupported));
  }
  const why = await refusal(front, user, token);
  if (why !== undefined) {
    front.log(`rds: ${user} was refused: ${why}`);
    return void client.end(fatal('28000', `PAM authentication failed for user "${user}" (${why})`));
  }
  socket.setTimeout(0);
  const watch = isProxied ? new PinWatch((cause) => front.pinned(user, cause)) : undefined;
  pipe(client, front.postgres.socket, withSettings(start, front.settings), watch);
}

/**
 * The cluster's and the proxy's address: speaks the start of the PostgreSQL protocol, insists on TLS, takes an RDS IAM
 * token as password, and then passes the bytes to the embedded server, which trusts the socket only this can open.
 */
export function createRdsFront(
  front: Front,
  tls: { readonly cert: string; readonly key: string },
): { server: Server; stop(): void } {
  const context = createSecureContext({ cert: tls.cert, key: tls.key });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.setTimeout(SIGN_IN_MS, () => socket.destroy());
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    serve(front, socket, context).catch(() => socket.destroy());
  });
  return {
    server,
    stop() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
