import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { logger } from '../shared/runtime/log.ts';
import { forgetConnection } from '../shared/sockets/registry.ts';
import { type SocketEvent, socketUser } from '../shared/sockets/socket-event.ts';

/** $disconnect: API Gateway promises it as best effort; notify removes what stayed behind. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { connectionId } = event.requestContext;
  await forgetConnection({ userId: socketUser(event).userId, id: connectionId });
  logger.info('disconnected', { connection: connectionId });
  return { statusCode: 200 };
}
