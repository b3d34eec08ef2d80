import { randomBytes } from 'node:crypto';
import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { limits } from '../../protocol/limits.ts';
import type { TicketResponse } from '../../protocol/ticket.ts';
import { dynamo } from '../shared/runtime/dynamo.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { ticketKey } from '../shared/sockets/ticket-key.ts';

/** Stores a random ticket that stands for user and device, once and for a minute, in place of the device's last one. */
export async function issueTicket(userId: string, deviceId: string): Promise<TicketResponse> {
  const secret = randomBytes(32).toString('base64url');
  const expiresAt = Math.floor(Date.now() / 1000) + limits.ticketSeconds;
  await dynamo().send(
    new PutItemCommand({
      TableName: requireEnv('TICKETS_TABLE'),
      Item: { ...ticketKey(userId, deviceId), secret: { S: secret }, expires_at: { N: String(expiresAt) } },
    }),
  );
  return { ticket: [userId, deviceId, secret].join('.'), expires_at: expiresAt * 1000 };
}
