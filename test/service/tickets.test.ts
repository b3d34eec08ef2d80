import { randomBytes, randomUUID } from 'node:crypto';
import { DeleteItemCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { redeemTicket } from '../../lambdas/authorize/redeem.ts';
import { surplus } from '../../lambdas/connect/surplus.ts';
import { limits } from '../../protocol/limits.ts';

const registry = mockClient(DynamoDBClient);
const holder = { userId: randomUUID(), deviceId: randomUUID() };
const ticket = [holder.userId, holder.deviceId, randomBytes(32).toString('base64url')].join('.');

beforeEach(() => {
  process.env.TICKETS_TABLE = 'tickets';
  registry.reset();
});

/** What DynamoDB deletes: it keeps an item for days after its end. */
function stored(endsInSeconds: number): void {
  const expires_at = { N: String(Math.floor(Date.now() / 1000) + endsInSeconds) };
  registry.on(DeleteItemCommand).resolves({ Attributes: { expires_at } });
}

test('an expired ticket lets nobody in, though it is still stored', async () => {
  stored(10);
  expect(await redeemTicket(ticket)).toEqual(holder);
  stored(-1);
  expect(await redeemTicket(ticket)).toBeUndefined();
});

test.each(['', 'x'.repeat(3000), '\0', `${ticket}x`])('what is no ticket is looked up nowhere', async (text) => {
  stored(10);
  expect(await redeemTicket(text)).toBeUndefined();
  expect(registry.calls()).toEqual([]);
});

const connection = (id: string, deviceId: string, connectedAt: number) => ({ ...holder, id, deviceId, connectedAt });

test('of the connections of a device all but the newest have to go, whoever looks', () => {
  const [old, fresh, twin] = [connection('old', 'a', 1), connection('fresh', 'a', 2), connection('twin', 'a', 2)];
  const other = connection('other', 'b', 0);
  for (const seen of [
    [old, fresh, twin, other],
    [other, twin, fresh, old],
  ]) {
    expect(new Set(surplus(seen))).toEqual(new Set([old, fresh]));
  }
});

test('a user has no more connections than he may have devices; the oldest go', () => {
  const all = Array.from({ length: limits.devicesPerUser + 2 }, (_, age) => connection(`${age}`, `${age}`, -age));
  expect(surplus(all)).toEqual(all.slice(-2));
});
