import { ConditionalCheckFailedException, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { Ticket } from '../../protocol/ticket.ts';
import { dynamo } from '../shared/dynamo.ts';
import { requireEnv } from '../shared/env.ts';

/** Takes a ticket, which only one caller can, and answers whom it stands for; nothing for a used or old one. */
export async function redeemTicket(ticket: string): Promise<{ userId: string; deviceId: string } | undefined> {
  // DynamoDB refuses keys that are empty or longer than 2,048 bytes.
  if (!Ticket.safeParse(ticket).success) return undefined;
  try {
    const { Attributes: item } = await dynamo().send(
      new DeleteItemCommand({
        TableName: requireEnv('TICKETS_TABLE'),
        Key: { ticket: { S: ticket } },
        ConditionExpression: 'attribute_exists(ticket)',
        ReturnValues: 'ALL_OLD',
      }),
    );
    // DynamoDB removes expired items within days, not on time.
    if (!item || Number(item.expires_at!.N) * 1000 <= Date.now()) return undefined;
    return { userId: item.user_id!.S!, deviceId: item.device_id!.S! };
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
