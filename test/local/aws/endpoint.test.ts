import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GetConnectionCommand,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServices } from '../../../local/aws/services.ts';
import { LocalError } from '../../../local/errors.ts';
import { API_ID_HEADER, type Connections } from '../../../local/types.ts';
import { type Fixture, startFixture } from './fixture.ts';

const posted: string[] = [];
const connections: Connections = {
  async post(apiId, stage, id, data) {
    if (id !== 'open=') return 'gone';
    posted.push(`${apiId}/${stage}/${id}: ${data}`);
    return 'sent';
  },
  close: async (_, __, id) => (id === 'open=' ? 'closed' : 'gone'),
  get: async () => ({ connectedAt: 1000, lastActiveAt: 2000, sourceIp: '127.0.0.1', userAgent: 'test' }),
};

let cloud: Fixture;
beforeAll(async () => {
  cloud = await startFixture({
    connections,
    async invoke(name, payload, mode) {
      if (name === 'missing') throw new LocalError('ResourceNotFoundException', 'Function not found', 404);
      if (name === 'broken') return { payload: Buffer.from('{"errorType":"Error"}'), functionError: 'Unhandled' };
      return { payload: Buffer.from(JSON.stringify({ name, mode, sent: JSON.parse(payload.toString()) })) };
    },
  });
});
afterAll(() => cloud.stop());

describe('Lambda', () => {
  const arn = 'arn:aws:lambda:us-east-1:000000000000:function:';
  const invoke = (FunctionName: string, InvocationType?: 'Event') => {
    const principal = cloud.principal('finalize', [`lambda:InvokeFunction ${arn}*`]);
    const client = new LambdaClient(cloud.client(principal));
    const type = InvocationType ? { InvocationType } : {};
    return client.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{"a":1}'), ...type }));
  };

  test('answers a function by name and by ARN, and 202 to an event', async () => {
    const answer = await invoke('relay');
    expect(JSON.parse(answer.Payload?.transformToString() ?? '')).toEqual({
      name: 'relay',
      mode: 'RequestResponse',
      sent: { a: 1 },
    });
    expect((await invoke(`${arn}relay`)).StatusCode).toBe(200);
    expect((await invoke('relay', 'Event')).StatusCode).toBe(202);
  });

  test('says when the function failed, is missing or may not be invoked', async () => {
    expect((await invoke('broken')).FunctionError).toBe('Unhandled');
    await expect(invoke('missing')).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const client = new LambdaClient(cloud.client(cloud.principal('none', [])));
    const denied = client.send(new InvokeCommand({ FunctionName: 'relay' }));
    await expect(denied).rejects.toMatchObject({ name: 'AccessDeniedException' });
    expect(cloud.log.join('\n')).toContain('none may not lambda:InvokeFunction');
  });
});

describe('DynamoDB', () => {
  const Key = { ticket: { S: 't1' } };
  const provide = () =>
    cloud.provide('AWS::DynamoDB::Table', 'Tickets', {
      KeySchema: [{ AttributeName: 'ticket', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'ticket', AttributeType: 'S' }],
    });

  test('keeps items over a restart, and deletes conditionally', async () => {
    const { ref: TableName, attributes } = await provide();
    const principal = cloud.principal('ticket', [
      `dynamodb:PutItem ${attributes.Arn}`,
      `dynamodb:DeleteItem ${attributes.Arn}`,
    ]);
    const open = () => new DynamoDBClient(cloud.client(principal));
    await open().send(new PutItemCommand({ TableName, Item: { ...Key, user_id: { S: 'ada' } } }));
    await cloud.restart();
    await provide();
    const take = () => {
      const condition = { ConditionExpression: 'attribute_exists(ticket)', ReturnValues: 'ALL_OLD' } as const;
      return open().send(new DeleteItemCommand({ TableName, Key, ...condition }));
    };
    expect((await take()).Attributes?.user_id).toEqual({ S: 'ada' });
    await expect(take()).rejects.toMatchObject({ name: 'ConditionalCheckFailedException' });
    const read = open().send(new GetItemCommand({ TableName, Key }));
    await expect(read).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });
});

describe('Secrets Manager', () => {
  test('keeps the current and the previous version, for this user only', async () => {
    const provide = () => cloud.provide('AWS::SecretsManager::Secret', 'Key', { GenerateSecretString: {} });
    const { ref: SecretId } = await provide();
    const principal = cloud.principal('keys', [
      `secretsmanager:GetSecretValue ${SecretId}`,
      `secretsmanager:PutSecretValue ${SecretId}`,
    ]);
    const client = new SecretsManagerClient(cloud.client(principal));
    const generated = await client.send(new GetSecretValueCommand({ SecretId }));
    expect(generated.SecretString).toHaveLength(32);
    await client.send(new PutSecretValueCommand({ SecretId, SecretString: 'mine' }));
    await cloud.restart();
    await provide();
    expect(await client.send(new GetSecretValueCommand({ SecretId }))).toMatchObject({
      SecretString: 'mine',
      VersionStages: ['AWSCURRENT'],
    });
    const previous = await client.send(new GetSecretValueCommand({ SecretId, VersionStage: 'AWSPREVIOUS' }));
    expect(previous.SecretString).toBe(generated.SecretString);
    const { mode } = await stat(join(cloud.data, 'secrets', 'test-key.json'));
    expect(mode & 0o777).toBe(0o600);
    const unknown = client.send(new GetSecretValueCommand({ SecretId: 'none' }));
    await expect(unknown).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('@connections', () => {
  const open = (grants: string[]) => {
    const base = cloud.client(cloud.principal('notify', grants));
    const client = new ApiGatewayManagementApiClient({ ...base, endpoint: `${cloud.url}/prod` });
    // The WebSocket gateway adds this header after the signature was made.
    client.middlewareStack.add(
      (next) => (args) => {
        const { request } = args as { request: { headers: Record<string, string> } };
        request.headers[API_ID_HEADER] = 'api1';
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    return client;
  };
  const grant = 'execute-api:ManageConnections arn:aws:execute-api:us-east-1:000000000000:api1/prod/*';

  test('posts, describes and closes', async () => {
    const client = open([grant]);
    await client.send(new PostToConnectionCommand({ ConnectionId: 'open=', Data: Buffer.from('hello') }));
    expect(posted).toEqual(['api1/prod/open=: hello']);
    const found = await client.send(new GetConnectionCommand({ ConnectionId: 'open=' }));
    expect(found).toMatchObject({ ConnectedAt: new Date(1000), Identity: { SourceIp: '127.0.0.1' } });
    await client.send(new DeleteConnectionCommand({ ConnectionId: 'open=' }));
  });

  test('answers 410 for a connection that is gone, and 403 without a grant', async () => {
    const command = new PostToConnectionCommand({ ConnectionId: 'closed', Data: Buffer.from('x') });
    await expect(open([grant]).send(command)).rejects.toMatchObject({ name: 'GoneException' });
    await expect(open([]).send(command)).rejects.toThrow('execute-api:ManageConnections');
  });
});

test('a taken port is named with what to do, and what had started is stopped', async () => {
  const second = startServices({
    data: join(cloud.data, 'second'),
    port: cloud.port,
    tls: { ca: '', cert: '', key: '' },
    identities: { find: () => undefined, authorize: () => undefined, reach: () => undefined },
    invoke: async () => ({ payload: Buffer.alloc(0) }),
    connections,
    log: () => undefined,
  });
  await expect(second).rejects.toThrow(`port ${cloud.port} (AWS endpoint) is taken`);
});
