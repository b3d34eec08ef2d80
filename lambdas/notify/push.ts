import pMap from 'p-map';
import type { FileChanged } from '../../protocol/file-changed.ts';
import type { SocketMessage } from '../../protocol/socket.ts';
import { logger } from '../shared/runtime/log.ts';
import { CALL_MS, post } from '../shared/sockets/post.ts';
import { type Connection, connectionsOf, noteMissed } from '../shared/sockets/registry.ts';

const CONCURRENCY = 32;

interface Push {
  readonly connection: Connection;
  readonly message: Extract<SocketMessage, { type: 'changed' }>;
}

/** How many pushes arrived, and how many were given up: the next pong tells the device, which reads its changes then. */
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
  const pushes = inTurns(lists);
  const outcomes = await pMap(
    pushes,
    ({ connection, message }) => (Date.now() < until ? post(connection, message) : 'lost'),
    { concurrency: CONCURRENCY },
  );
  const lost = pushes.filter((_, index) => outcomes[index] === 'lost');
  if (Date.now() >= until) logger.warn('out of time: the rest of the devices catches up', { lost: lost.length });
  await noteLost(lost);
  return { sent: outcomes.filter((outcome) => outcome === 'sent').length, lost: lost.length + failed.length };
}

/** Has the pongs tell of pushes that were given up, as far as that can be noted in the time of one call. */
async function noteLost(lost: readonly Push[]): Promise<void> {
  const signal = AbortSignal.timeout(CALL_MS);
  const failures = await pMap(
    lost,
    ({ connection, message }) => noteMissed(connection, message.cursor, signal).catch((error: Error) => error),
    { concurrency: CONCURRENCY },
  );
  const [error] = failures.flatMap((failure) => failure ?? []);
  if (error) logger.warn('the registry does not note what was given up: devices catch up within hours', { error });
}

/** What to push for one user, or why the registry did not answer. */
async function pushesOf(userId: string, changes: readonly FileChanged[]): Promise<Push[] | Error> {
  const newestFirst = changes.toSorted((one, other) => other.cursor - one.cursor);
  try {
    const connections = await connectionsOf(userId, AbortSignal.timeout(CALL_MS));
    return connections.flatMap((connection) => {
      const change = newestFirst.find(({ origin_device }) => origin_device !== connection.deviceId);
      if (!change) return [];
      const message = toMessage(change);
      // Of several a device would still have to ask for the others.
      const { news } = change;
      return [{ connection, message: news && changes.length === 1 ? { ...message, news } : message }];
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

function toMessage(change: FileChanged): Push['message'] {
  const { cursor, file_path, version, change_type, timestamp } = change;
  return { type: 'changed', cursor, file_path, version, change_type, timestamp };
}
