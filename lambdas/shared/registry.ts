import { DeleteItemCommand, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { once, requireEnv } from './env.ts';

/** API Gateway closes every WebSocket after two hours; the row goes with it. */
const CONNECTION_SECONDS = 2 * 60 * 60;

const client = once(() => new DynamoDBClient({}));

export interface Connection {
  readonly userId: string;
  readonly connectionId: string;
  readonly deviceId: string;
}

export async function addConnection({ userId, connectionId, deviceId }: Connection): Promise<void> {
  await client().send(
    new PutItemCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      Item: {
        user_id: { S: userId },
        connection_id: { S: connectionId },
        device_id: { S: deviceId },
        connected_at: { N: String(Date.now()) },
        expires_at: { N: String(Math.floor(Date.now() / 1000) + CONNECTION_SECONDS) },
      },
    }),
  );
}

export async function removeConnection({ userId, connectionId }: Omit<Connection, 'deviceId'>): Promise<void> {
  await client().send(
    new DeleteItemCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      Key: { user_id: { S: userId }, connection_id: { S: connectionId } },
    }),
  );
}

/** All open connections of a user. */
export async function connectionsOf(userId: string): Promise<Connection[]> {
  // A user has at most `devicesPerUser` devices, each with few sockets: far below a page of 1 MB.
  const { Items = [] } = await client().send(
    new QueryCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      KeyConditionExpression: 'user_id = :user',
      ExpressionAttributeValues: { ':user': { S: userId } },
    }),
  );
  return Items.map((item) => ({ userId, connectionId: item.connection_id!.S!, deviceId: item.device_id!.S! }));
}
