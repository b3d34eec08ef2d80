import { DeleteItemCommand, paginateQuery } from '@aws-sdk/client-dynamodb';
import { dynamo } from '../shared/dynamo.ts';
import { requireEnv } from '../shared/env.ts';

export interface Connection {
  userId: string;
  id: string;
  deviceId: string;
}

/** The user's connections, of all devices. */
export async function connectionsOf(userId: string): Promise<Connection[]> {
  const pages = paginateQuery(
    { client: dynamo() },
    {
      TableName: requireEnv('CONNECTIONS_TABLE'),
      KeyConditionExpression: 'user_id = :user',
      ExpressionAttributeValues: { ':user': { S: userId } },
    },
  );
  const found: Connection[] = [];
  for await (const { Items = [] } of pages) {
    for (const item of Items) found.push({ userId, id: item.connection_id!.S!, deviceId: item.device_id!.S! });
  }
  return found;
}

/** Removes a connection that is gone without a $disconnect. */
export async function forgetConnection({ userId, id }: Connection): Promise<void> {
  await dynamo().send(
    new DeleteItemCommand({
      TableName: requireEnv('CONNECTIONS_TABLE'),
      Key: { user_id: { S: userId }, connection_id: { S: id } },
    }),
  );
}
