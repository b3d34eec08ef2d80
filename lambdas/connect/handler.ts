import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import pMap from 'p-map';
import { logger } from '../shared/runtime/log.ts';
import { connectionsOf, enterConnection, forgetConnection, isRevoked } from '../shared/sockets/registry.ts';
import { type SocketEvent, socketUser } from '../shared/sockets/socket-event.ts';
import { closeConnection } from '../shared/sockets/socket-gateway.ts';
import { surplus } from './surplus.ts';

const CONCURRENCY = 8;

/**
 * $connect: enters the connection in the registry that notify reads, unless the device was revoked meanwhile, and closes
 * the one that the device had before.
 */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { userId, deviceId } = socketUser(event);
  const { connectionId, connectedAt = Date.now() } = event.requestContext;
  const connection = { userId, id: connectionId, deviceId, connectedAt };
  await enterConnection(connection);
  if (await isRevoked(userId, deviceId)) return await refuse(403, 'the device is revoked');
  const leaving = surplus(await connectionsOf(userId));
  if (leaving.some(({ id }) => id === connectionId)) return await refuse(409, 'a newer connection is open');
  await pMap(leaving, closeConnection, { concurrency: CONCURRENCY });
  logger.info('connected', { connection: connectionId, replaced: leaving.length });
  return { statusCode: 200 };

  async function refuse(statusCode: number, reason: string): Promise<APIGatewayProxyStructuredResultV2> {
    await forgetConnection(connection);
    logger.info(`refused: ${reason}`, { connection: connectionId });
    return { statusCode };
  }
}
