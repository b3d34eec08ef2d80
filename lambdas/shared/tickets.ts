import { DeleteItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { once, requireEnv } from './env.ts';

const client = once(() => new DynamoDBClient({}));

export interface Ticket {
  readonly userId: string;
  readonly deviceId: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
}

export async function storeTicket(ticket: string, { userId, deviceId, expiresAt }: Ticket): Promise<void> {
  await client().send(
    new PutItemCommand({
      TableName: requireEnv('TICKETS_TABLE'),
      Item: {
        ticket: { S: ticket },
        user_id: { S: userId },
        device_id: { S: deviceId },
        expires_at: { N: String(expiresAt) },
      },
    }),
  );
}

/** Takes a ticket out of the table, so that it opens one connection; nothing for one that is unknown or expired. */
export async function takeTicket(ticket: string): Promise<Ticket | undefined> {
  const { Attributes } = await client().send(
    new DeleteItemCommand({
      TableName: requireEnv('TICKETS_TABLE'),
      Key: { ticket: { S: ticket } },
      ReturnValues: 'ALL_OLD',
    }),
  );
  if (!Attributes) return undefined;
  const expiresAt = Number(Attributes.expires_at!.N);
  // DynamoDB's TTL deletes hours late.
  if (expiresAt <= Date.now() / 1000) return undefined;
  return { userId: Attributes.user_id!.S!, deviceId: Attributes.device_id!.S!, expiresAt };
}
