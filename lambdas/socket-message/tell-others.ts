import pMap from 'p-map';
import type { SocketMessage } from '../../protocol/socket.ts';
import { logger } from '../shared/runtime/log.ts';
import { CALL_MS, post } from '../shared/sockets/post.ts';
import { connectionsOf } from '../shared/sockets/registry.ts';
import { type SocketEvent, socketUser } from '../shared/sockets/socket-event.ts';

const CONCURRENCY = 8;

/**
 * Passes a message of a device on to the user's others, which lose nothing by not hearing it. A connection that is not in
 * the registry, as that of a revoked device, tells nobody anything.
 */
export async function tellOthers(event: SocketEvent, message: SocketMessage): Promise<void> {
  const { userId, deviceId } = socketUser(event);
  const { connectionId } = event.requestContext;
  try {
    const all = await connectionsOf(userId, AbortSignal.timeout(CALL_MS));
    if (!all.some(({ id }) => id === connectionId)) return;
    const others = all.filter((connection) => connection.deviceId !== deviceId);
    await pMap(others, (connection) => post(connection, message), { concurrency: CONCURRENCY });
  } catch (error) {
    logger.warn('the registry does not answer: the other devices hear of it later', { error: error as Error });
  }
}
