import { randomBytes } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { limits } from '../../protocol/limits.ts';
import type { TicketResponse } from '../../protocol/ticket.ts';
import { dynamo } from '../shared/dynamo.ts';
import { requireEnv } from '../shared/env.ts';

/** Stores a random ticket that stands for user and device, once and for a minute. */
export async function issueTicket(userId: string, deviceId: string): Promise<TicketResponse> {
  const ticket = randomBytes(32).toString('base64url');
  const expiresAt = Math.floor(Date.now() / 1000) + limits.ticketSeconds;
  await dynamo().send(
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
  return { ticket, expires_at: expiresAt * 1000 };
}
