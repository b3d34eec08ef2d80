import { GoneException, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import pMap from 'p-map';
import type { FileChanged } from '../../protocol/file-changed.ts';
import type { SocketMessage } from '../../protocol/socket.ts';
import { logger } from '../shared/runtime/log.ts';
import { type Connection, connectionsOf, forgetConnection } from '../shared/sockets/registry.ts';
import { socketGateway } from '../shared/sockets/socket-gateway.ts';

const CONCURRENCY = 32;

/** What one push or one look into the registry may take: most take milliseconds, and others wait for their turn. */
const CALL_MS = 2_000;

/** API Gateway opens a connection after $connect has entered it, and until then says that it is gone. */
const OPENING_MS = 60_000;

interface Push {
  readonly connection: Connection;
  readonly change: FileChanged;
}

/** How many pushes arrived, and how many were given up; a device that misses one reads its changes within minutes. */
export interface Pushed {
  readonly sent: number;
  readonly lost: number;
}

/**
 * Tells every connection of the changes' users the newest change of another device, in one message. A push is a hint,
 * so one that fails is given up, and so is what has not begun at `until` (milliseconds since 1970): neither holds up
 * the pushes of others. Throws when the registry answers for nobody, so that the batch comes again.
 */
export async function pushChanges(changes: readonly FileChanged[], until: number): Promise<Pushed> {
  const byUser = Map.groupBy(changes, (change) => change.user_id);
  const found = await pMap(byUser, ([userId, list]) => pushesOf(userId, list), { concurrency: CONCURRENCY });
  const failed = found.flatMap((pushes) => (pushes instanceof Error ? [pushes] : []));
  if (failed.length > 0 && failed.length === found.length) throw failed[0];
  const lists = found.flatMap((pushes) => (pushes instanceof Error ? [] : [pushes]));
  const outcomes = await pMap(inTurns(lists), (push) => (Date.now() < until ? send(push) : 'lost'), {
    concurrency: CONCURRENCY,
  });
  const lost = outcomes.filter((outcome) => outcome === 'lost').length;
  if (Date.now() >= until) logger.warn('out of time: the rest of the devices catches up by cursor', { lost });
  return { sent: outcomes.filter((outcome) => outcome === 'sent').length, lost: lost + failed.length };
}

/** What to push for one user, or why the registry did not answer. */
async function pushesOf(userId: string, changes: readonly FileChanged[]): Promise<Push[] | Error> {
  const newestFirst = changes.toSorted((one, other) => other.cursor - one.cursor);
  try {
    const connections = await connectionsOf(userId, AbortSignal.timeout(CALL_MS));
    return connections.flatMap((connection) => {
      const change = newestFirst.find(({ origin_device }) => origin_device !== connection.deviceId);
      return change ? [{ connection, change }] : [];
    });
  } catch (error) {
    logger.error('the registry does not answer: the devices of one user catch up by cursor', { error: error as Error });
    return error as Error;
  }
}

/** The first of each list, then the second of each: however many connections a user has, others wait for one of them. */
function inTurns<T>(lists: readonly (readonly T[])[]): T[] {
  const rounds = Math.max(0, ...lists.map(({ length }) => length));
  return Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list.slice(round, round + 1))).flat();
}

async function send({ connection, change }: Push): Promise<'sent' | 'gone' | 'lost'> {
  try {
    await socketGateway().send(
      new PostToConnectionCommand({ ConnectionId: connection.id, Data: JSON.stringify(toMessage(change)) }),
      { abortSignal: AbortSignal.timeout(CALL_MS) },
    );
    return 'sent';
  } catch (error) {
    if (!(error instanceof GoneException)) {
      logger.warn('push given up: the device catches up by cursor', {
        connection: connection.id,
        error: error as Error,
      });
      return 'lost';
    }
    // What stays behind costs the next push a call, and goes with its time.
    if (connection.connectedAt < Date.now() - OPENING_MS) await forgetConnection(connection).catch(() => undefined);
    return 'gone';
  }
}

function toMessage(change: FileChanged): SocketMessage {
  const { cursor, file_path, version, change_type, timestamp } = change;
  return { type: 'changed', cursor, file_path, version, change_type, timestamp };
}
