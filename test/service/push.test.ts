import { randomUUID } from 'node:crypto';
import {
  ApiGatewayManagementApiClient,
  GoneException,
  LimitExceededException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { DeleteItemCommand, DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, expect, test } from 'vitest';
import { pushChanges } from '../../lambdas/notify/push.ts';
import type { FileChanged } from '../../protocol/file-changed.ts';

const gateway = mockClient(ApiGatewayManagementApiClient);
const registry = mockClient(DynamoDBClient);
const minutesAgo = (minutes: number) => Date.now() - minutes * 60_000;
const metadata = { $metadata: {}, message: 'mocked' };

beforeEach(() => {
  process.env.CONNECTIONS_TABLE = 'connections';
  process.env.SOCKET_CALLBACK_URL = 'https://sockets.invalid/live';
  gateway.reset();
  registry.reset();
  registry.on(DeleteItemCommand).resolves({});
});

function connections(...list: { id: string; connectedAt: number }[]): void {
  const Items = list.map(({ id, connectedAt }) => ({
    connection_id: { S: id },
    device_id: { S: randomUUID() },
    connected_at: { N: String(connectedAt) },
  }));
  registry.on(QueryCommand).resolves({ Items });
}

function change(cursor: number): FileChanged {
  const [user_id, version_id, origin_device] = ['1', '2', '3'].map((n) => `00000000-0000-4000-8000-00000000000${n}`);
  const what = { file_path: 'a', version: cursor, change_type: 'update', timestamp: 1, cursor } as const;
  return { user_id: user_id!, version_id: version_id!, origin_device: origin_device!, ...what };
}

const forgotten = () => registry.commandCalls(DeleteItemCommand).map(({ args }) => args[0].input.Key!.connection_id!.S);

test('a connection that is gone is forgotten, one that may be opening is kept', async () => {
  connections({ id: 'gone', connectedAt: minutesAgo(10) }, { id: 'opening', connectedAt: minutesAgo(0) });
  gateway.on(PostToConnectionCommand).rejects(new GoneException(metadata));
  expect(await pushChanges([change(1), change(2)])).toBe(0);
  expect(forgotten()).toEqual(['gone']);
});

test('a throttled push is skipped, the next one goes out', async () => {
  connections({ id: 'busy', connectedAt: minutesAgo(10) });
  gateway.on(PostToConnectionCommand).rejectsOnce(new LimitExceededException(metadata)).resolves({});
  expect(await pushChanges([change(1), change(2)])).toBe(1);
  expect(forgotten()).toEqual([]);
});

test('a registry that fails fails the batch, so that it comes again', async () => {
  registry.on(QueryCommand).rejects(new Error('throttled'));
  await expect(pushChanges([change(1)])).rejects.toThrow('throttled');
});
