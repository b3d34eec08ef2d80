import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { Ticket } from '../../protocol/ticket.ts';
import { dynamo } from '../shared/runtime/dynamo.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { ticketKey } from '../shared/sockets/ticket-key.ts';

/** Takes a ticket, which only one caller can, and answers whom it stands for; nothing for a used or old one. */
export async function redeemTicket(ticket: string): Promise<{ userId: string; deviceId: string } | undefined> {
  if (!Ticket.safeParse(ticket).success) return undefined;
  const [userId = '', deviceId = '', secret = ''] = ticket.split('.');
  try {
    const { Attributes: item } = await dynamo().send(
      new DeleteItemCommand({
        TableName: requireEnv('TICKETS_TABLE'),
        Key: ticketKey(userId, deviceId),
        ConditionExpression: 'secret = :secret',
        ExpressionAttributeValues: { ':secret': { S: secret } },
        ReturnValues: 'ALL_OLD',
      }),
    );
    // DynamoDB removes expired items within days, not on time.
    if (!item || Number(item.expires_at!.N) * 1000 <= Date.now()) return undefined;
    return { userId, deviceId };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
