import { randomUUID } from 'node:crypto';
import {
  ApiGatewayManagementApiClient,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { pushChanges } from '../../lambdas/notify/push.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { FileChanged } from '../../protocol/file-changed.ts';

const gateway = mockClient(ApiGatewayManagementApiClient);
const registry = mockClient(DynamoDBClient);
const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
const metadata = { $metadata: {}, message: 'mocked' };
const [first, second] = [randomUUID(), randomUUID()];
const [origin, elsewhere] = [randomUUID(), randomUUID()];

beforeEach(() => {
  process.env.CONNECTIONS_TABLE = 'connections';
  process.env.SOCKET_CALLBACK_URL = 'https://sockets.invalid/live';
  gateway.reset();
  registry.reset();
  registry.on(DeleteItemCommand).resolves({});
  registry.on(UpdateItemCommand).resolves({});
  gateway.on(PostToConnectionCommand).resolves({});
});

/** What the registry answers for a user: connections of the given ids, opened ten minutes ago by other devices. */
function connections(user: string, ids: readonly string[], connectedAt = minutesAgo(10), device?: string): void {
  const Items = ids.map((id) => ({
    connection_id: { S: id },
    device_id: { S: device ?? randomUUID() },
    connected_at: { N: String(connectedAt) },
  }));
  registry.on(QueryCommand, { ExpressionAttributeValues: { ':user': { S: user } } }).resolves({ Items });
}

function change(cursor: number, user_id = first, origin_device = origin): FileChanged {
  const what = { file_path: 'a', version: cursor, change_type: 'update', timestamp: 1, cursor } as const;
  return { user_id, version_id: randomUUID(), origin_device, ...what };
}

const push = (...changes: FileChanged[]) => pushChanges(changes, Date.now() + 60_000);
const posts = () =>
  gateway.commandCalls(PostToConnectionCommand).map(({ args: [{ input }] }) => {
    const { cursor } = JSON.parse(String(input.Data)) as { cursor: number };
    return [input.ConnectionId, cursor];
  });
const noted = () =>
  registry
    .commandCalls(UpdateItemCommand)
    .map(({ args: [{ input }] }) => [
      input.Key!.connection_id!.S,
      Number(input.ExpressionAttributeValues![':cursor']!.N),
    ]);
const forgotten = () => registry.commandCalls(DeleteItemCommand).map(({ args }) => args[0].input.Key!.connection_id!.S);

test('the only change of a batch goes along with what it brings; of several the device has to ask', async () => {
  connections(first, ['a']);
  const entry: Entry = { path: 'a', kind: 'file', size: 0, mtime_ms: 1, mode: 0o644, version: 1, blocks: [] };
  const told = { cursor: 1, change_type: 'create', entry, device_id: origin, timestamp: 1 } as const;
  const news = { change: told, timeline: randomUUID(), contents: {} };
  await push({ ...change(1), news });
  await push({ ...change(1), news }, change(2));
  const carried = gateway
    .commandCalls(PostToConnectionCommand)
    .map(({ args }) => JSON.parse(String(args[0].input.Data)).news);
  expect(carried).toEqual([news, undefined]);
});

test('a connection gets one message for all changes of a batch, which names the newest', async () => {
  connections(first, ['a', 'b']);
  expect(await push(change(1), change(3), change(2))).toEqual({ sent: 2, lost: 0 });
  expect(posts()).toEqual([
    ['a', 3],
    ['b', 3],
  ]);
});

test('the origin of the newest change hears of the newest one that is not its own', async () => {
  connections(first, ['a'], minutesAgo(10), origin);
  expect(await push(change(1, first, elsewhere), change(2), change(3))).toEqual({ sent: 1, lost: 0 });
  expect(posts()).toEqual([['a', 1]]);
  expect(await push(change(4))).toEqual({ sent: 0, lost: 0 });
});

test('a connection that is gone is forgotten, one that may be opening is kept', async () => {
  gateway.on(PostToConnectionCommand).rejects(new GoneException(metadata));
  connections(first, ['gone']);
  connections(second, ['opening'], minutesAgo(0));
  expect(await push(change(1), change(1, second))).toEqual({ sent: 0, lost: 0 });
  expect(forgotten()).toEqual(['gone']);
});

test('a push that is throttled or fails is given up and noted, the others go out', async () => {
  connections(first, ['busy', 'broken', 'good']);
  gateway.on(PostToConnectionCommand, { ConnectionId: 'busy' }).rejects(new LimitExceededException(metadata));
  gateway.on(PostToConnectionCommand, { ConnectionId: 'broken' }).rejects(new Error('no answer'));
  expect(await push(change(1))).toEqual({ sent: 1, lost: 2 });
  expect(forgotten()).toEqual([]);
  expect(noted()).toEqual([
    ['busy', 1],
    ['broken', 1],
  ]);
});

test.each([
  ['fails', new Error('no answer')],
  ['has a newer one, or no such connection', new ConditionalCheckFailedException(metadata)],
])('a registry that %s when a lost push is noted fails nothing', async (_, error) => {
  connections(first, ['broken', 'good']);
  gateway.on(PostToConnectionCommand, { ConnectionId: 'broken' }).rejects(new Error('no answer'));
  registry.on(UpdateItemCommand).rejects(error);
  expect(await push(change(1))).toEqual({ sent: 1, lost: 1 });
});

test('a user with many connections has one turn at a time, as everybody', async () => {
  connections(first, ['many 1', 'many 2', 'many 3']);
  connections(second, ['one']);
  await push(change(1), change(1, second));
  expect(posts().map(([id]) => id)).toEqual(['many 1', 'one', 'many 2', 'many 3']);
});

test('what has not begun when the time is up is given up, so that the batch ends', async () => {
  connections(first, ['late']);
  expect(await pushChanges([change(1)], Date.now() - 1)).toEqual({ sent: 0, lost: 1 });
  expect(posts()).toEqual([]);
  expect(noted()).toEqual([['late', 1]]);
});

test('a registry that fails for one user costs nobody else a push', async () => {
  connections(second, ['one']);
  registry.on(QueryCommand, { ExpressionAttributeValues: { ':user': { S: first } } }).rejects(new Error('throttled'));
  expect(await push(change(1), change(1, second))).toEqual({ sent: 1, lost: 1 });
});

test('a registry that fails for all fails the batch, so that it comes again', async () => {
  registry.on(QueryCommand).rejects(new Error('throttled'));
  await expect(push(change(1), change(1, second))).rejects.toThrow('throttled');
});
