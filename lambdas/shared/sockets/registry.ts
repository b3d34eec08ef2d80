/* Open WebSocket connections, their tickets, and revocations, in DynamoDB. */

import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { limits } from '../../../protocol/limits.ts';
import { dynamo } from '../runtime/dynamo.ts';
import { requireEnv } from '../runtime/env.ts';

export interface Connection {
  userId: string;
  id: string;
  deviceId: string;
  /** Milliseconds since 1970. */
  connectedAt: number;
}

/** API Gateway closes a connection after two hours. */
const CONNECTION_SECONDS = 7200;
/** Tickets that were issued before the device was revoked have ended by then. */
const REVOKED_SECONDS = 10 * limits.ticketSeconds;

const table = () => requireEnv('CONNECTIONS_TABLE');
const keyOf = ({ userId, id }: Pick<Connection, 'userId' | 'id'>) => ({
  user_id: { S: userId },
  connection_id: { S: id },
});
/** A revoked device has an item in a partition of its own. The id alone is no name: another user may have chosen it too. */
const revokedKey = (userId: string, deviceId: string) =>
  keyOf({ userId: `revoked ${userId} ${deviceId}`, id: 'device' });

function endingIn(seconds: number): { N: string } {
  return { N: String(Math.floor(Date.now() / 1000) + seconds) };
}

export async function enterConnection(connection: Connection): Promise<void> {
  const { deviceId, connectedAt } = connection;
  const Item = {
    ...keyOf(connection),
    device_id: { S: deviceId },
    connected_at: { N: String(connectedAt) },
    expires_at: endingIn(CONNECTION_SECONDS),
  };
  await dynamo().send(new PutItemCommand({ TableName: table(), Item }));
}

/** The user's connections, of all devices. What outlived its two hours is none, though DynamoDB keeps it for days. */
export async function connectionsOf(userId: string, abortSignal?: AbortSignal): Promise<Connection[]> {
  const pages = paginateQuery(
    { client: dynamo() },
    {
      TableName: table(),
      KeyConditionExpression: 'user_id = :user',
      ExpressionAttributeValues: { ':user': { S: userId } },
      ConsistentRead: true,
    },
    { abortSignal },
  );
  const found: Connection[] = [];
  for await (const { Items = [] } of pages) {
    for (const { connection_id, device_id, connected_at } of Items) {
      found.push({ userId, id: connection_id!.S!, deviceId: device_id!.S!, connectedAt: Number(connected_at!.N) });
    }
  }
  const oldest = Date.now() - CONNECTION_SECONDS * 1000;
  return found.filter(({ connectedAt }) => connectedAt > oldest);
}

export async function forgetConnection(connection: Pick<Connection, 'userId' | 'id'>): Promise<void> {
  await dynamo().send(new DeleteItemCommand({ TableName: table(), Key: keyOf(connection) }));
}

/** Notes the cursor of a push that may not have arrived; of several the newest stays. */
export async function noteMissed(connection: Connection, cursor: number, abortSignal: AbortSignal): Promise<void> {
  const update = new UpdateItemCommand({
    TableName: table(),
    Key: keyOf(connection),
    UpdateExpression: 'SET missed = :cursor',
    ConditionExpression: 'attribute_exists(connection_id) AND (attribute_not_exists(missed) OR missed < :cursor)',
    ExpressionAttributeValues: { ':cursor': { N: String(cursor) } },
  });
  try {
    await dynamo().send(update, { abortSignal });
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

/** What was noted so, 0 when nothing was; `undefined` for a connection that is not entered. May be a second old. */
export async function missedBy(
  connection: Pick<Connection, 'userId' | 'id'>,
  abortSignal: AbortSignal,
): Promise<number | undefined> {
  const { Item } = await dynamo().send(new GetItemCommand({ TableName: table(), Key: keyOf(connection) }), {
    abortSignal,
  });
  return Item && Number(Item.missed?.N ?? 0);
}

/** Notes that a device may not connect any more; to be followed by a look at the connections that it has. */
export async function noteRevoked(userId: string, deviceId: string): Promise<void> {
  const Item = { ...revokedKey(userId, deviceId), expires_at: endingIn(REVOKED_SECONDS) };
  await dynamo().send(new PutItemCommand({ TableName: table(), Item }));
}

/** Whether the device was revoked lately; to be asked after its connection was entered. */
export async function isRevoked(userId: string, deviceId: string): Promise<boolean> {
  const { Item } = await dynamo().send(
    new GetItemCommand({ TableName: table(), Key: revokedKey(userId, deviceId), ConsistentRead: true }),
  );
  return Item !== undefined;
}
