import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { dynamo } from '../shared/dynamo.ts';
import { requireEnv } from '../shared/env.ts';
import { logger } from '../shared/log.ts';
import { type SocketEvent, socketUser } from '../shared/socket-event.ts';

/** API Gateway closes a connection after two hours. */
const CONNECTION_SECONDS = 7200;

/** $connect: enters the connection in the registry that notify reads. */
export async function handler(event: SocketEvent): Promise<APIGatewayProxyStructuredResultV2> {
  const { userId, deviceId } = socketUser(event);
  const { connectionId, connectedAt } = event.requestContext;
  await dynamo().send(
    new PutItemCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      Item: {
        user_id: { S: userId },
        connection_id: { S: connectionId },
        device_id: { S: deviceId },
        connected_at: { N: String(connectedAt ?? Date.now()) },
        expires_at: { N: String(Math.floor(Date.now() / 1000) + CONNECTION_SECONDS) },
      },
    }),
  );
  logger.info('connected', { connection: connectionId });
  return { statusCode: 200 };
}
