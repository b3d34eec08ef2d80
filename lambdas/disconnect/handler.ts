import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { dynamo } from '../shared/dynamo.ts';
import { requireEnv } from '../shared/env.ts';
import { logger } from '../shared/log.ts';
import { type SocketEvent, socketUser } from '../shared/socket-event.ts';

/** $disconnect: API Gateway promises it as best effort; notify removes what stayed behind. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { connectionId } = event.requestContext;
  await dynamo().send(
    new DeleteItemCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      Key: { user_id: { S: socketUser(event).userId }, connection_id: { S: connectionId } },
    }),
  );
  logger.info('disconnected', { connection: connectionId });
  return { statusCode: 200 };
}
