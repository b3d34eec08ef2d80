import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { logger } from '../shared/log.ts';
import { enterConnection, forgetConnection, isRevoked } from '../shared/registry.ts';
import { type SocketEvent, socketUser } from '../shared/socket-event.ts';

/** $connect: enters the connection in the registry that notify reads, unless the device was revoked meanwhile. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { userId, deviceId } = socketUser(event);
  const { connectionId, connectedAt = Date.now() } = event.requestContext;
  const connection = { userId, id: connectionId, deviceId, connectedAt };
  await enterConnection(connection);
  if (await isRevoked(deviceId)) {
    await forgetConnection(connection);
    logger.info('refused: the device is revoked', { connection: connectionId });
    return { statusCode: 403 };
  }
  logger.info('connected', { connection: connectionId });
  return { statusCode: 200 };
}
