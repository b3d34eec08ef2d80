import {
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import pMap from 'p-map';
import type { FileChanged } from '../../protocol/file-changed.ts';
import type { SocketMessage } from '../../protocol/socket.ts';
import { logger } from '../shared/log.ts';
import { type Connection, connectionsOf, forgetConnection } from '../shared/registry.ts';
import { socketGateway } from '../shared/socket-gateway.ts';

const CONCURRENCY = 16;

/** API Gateway opens a connection after $connect has entered it, and until then says that it is gone. */
const OPENING_MS = 60_000;

/**
 * Pushes changes to every connection of their user except the origin's, in order per connection. Answers how many
 * pushes arrived. A push is a hint, so throttling is logged and skipped; a failing registry throws, for a retry.
 */
export async function pushChanges(changes: readonly FileChanged[]): Promise<number> {
  const byUser = Map.groupBy(changes, (change) => change.user_id);
  const targets = await pMap(
    [...byUser],
    async ([userId, list]) => (await connectionsOf(userId)).map((connection) => ({ connection, list })),
    { concurrency: CONCURRENCY },
  );
  const sent = await pMap(targets.flat(), ({ connection, list }) => pushAll(connection, list), {
    concurrency: CONCURRENCY,
  });
  return sent.reduce((sum, count) => sum + count, 0);
}

async function pushAll(connection: Connection, changes: readonly FileChanged[]): Promise<number> {
  let sent = 0;
  for (const change of changes) {
    if (change.origin_device === connection.deviceId) continue;
    try {
      await socketGateway().send(
        new PostToConnectionCommand({ ConnectionId: connection.id, Data: JSON.stringify(toMessage(change)) }),
      );
      sent++;
    } catch (error) {
      if (error instanceof GoneException) {
        if (connection.connectedAt < Date.now() - OPENING_MS) await forgetConnection(connection);
        return sent;
      }
      if (!(error instanceof LimitExceededException)) throw error;
      logger.warn('push throttled: the device catches up by cursor', { connection: connection.id });
    }
  }
  return sent;
}

function toMessage(change: FileChanged): SocketMessage {
  const { cursor, file_path, version, change_type, timestamp } = change;
  return { type: 'changed', cursor, file_path, version, change_type, timestamp };
}
