import { createPublicKey, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { recordCalls } from '../../local/iam/calls.ts';
import { createRoles } from '../../local/iam/roles.ts';
import { loadTls } from '../../local/tls.ts';
import { type Service, startService } from '../support/service.ts';

/** What CloudFormation takes for an answer, in at most 4096 bytes. */
const Answer = z.strictObject({
  Status: z.enum(['SUCCESS', 'FAILED']),
  Reason: z.string().min(1).optional(),
  PhysicalResourceId: z.string().min(1).max(1024),
  StackId: z.string(),
  RequestId: z.string(),
  LogicalResourceId: z.string(),
  Data: z.record(z.string(), z.string()).optional(),
});
type Answer = z.infer<typeof Answer>;

let service: Service;
let responses: Server;
const answered = new Map<string, Answer>();

beforeAll(async () => {
  service = await startService();
  responses = createServer(await loadTls(service.data), async (request, response) => {
    const body = await text(request);
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4096);
    // A presigned URL is signed for no content type.
    expect(request.headers['content-type'] ?? '').toBe('');
    answered.set(request.url!, Answer.parse(JSON.parse(body)));
    response.end();
  }).listen(0, '127.0.0.1');
  await once(responses, 'listening');
});
afterAll(async () => {
  responses.close();
  await service.stop();
});

/** Hands a function one event of CloudFormation's and answers what it told CloudFormation. */
async function send(name: string, change: Record<string, unknown>): Promise<Answer> {
  const path = `/${randomUUID()}`;
  const event = {
    RequestType: 'Create',
    ServiceToken: `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
    ResponseURL: `https://127.0.0.1:${(responses.address() as AddressInfo).port}${path}`,
    StackId: 'arn:aws:cloudformation:us-east-1:000000000000:stack/Test/1',
    RequestId: randomUUID(),
    ResourceType: 'Custom::Test',
    LogicalResourceId: 'TheResource',
    ResourceProperties: {},
    ...change,
  };
  const { functionError, payload } = await service.cloud.invoke(name, event);
  expect(functionError, payload.toString()).toBeUndefined();
  const answer = answered.get(path);
  expect(answer).toMatchObject({
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: 'TheResource',
  });
  return answer!;
}

const streamArn = (): string =>
  service.cloud.access.grants().find(({ action }) => action === 'kafka:GetBootstrapBrokers')!.resource;

/** A database cluster and its master's secret, as the role of DatabaseLogin names them. */
function databaseArns(): { ClusterArn: string; SecretArn: string } {
  const grants = service.cloud.access.grants();
  const { role, resource } = grants.find(({ action }) => action === 'rds-data:ExecuteStatement')!;
  const secret = grants.find((grant) => grant.role === role && grant.action === 'secretsmanager:GetSecretValue')!;
  return { ClusterArn: resource, SecretArn: secret.resource };
}

const resources: [name: string, properties: () => Record<string, unknown>, attributes: object][] = [
  ['KeyASigningKey', () => ({}), { PublicKey: expect.stringContaining('BEGIN PUBLIC KEY') }],
  ['Brokers', () => ({ ClusterArn: streamArn() }), { Brokers: expect.stringMatching(/^[\w.]+:\d+$/) }],
  ['DatabaseLogin', databaseArns, {}],
  ['Migrate', () => ({ SqlHash: 'whatever' }), {}],
];

describe.each(resources)('%s', (name, properties, attributes) => {
  test('answers create, a retry of it with the same request id, and an update alike', async () => {
    const created = { ResourceProperties: properties(), RequestId: randomUUID() };
    const first = await send(name, created);
    expect(first).toMatchObject({ Status: 'SUCCESS', Data: attributes });
    expect(await send(name, created)).toEqual(first);
    const updated = await send(name, {
      RequestType: 'Update',
      PhysicalResourceId: first.PhysicalResourceId,
      ResourceProperties: properties(),
      OldResourceProperties: { Before: 'this' },
    });
    // The same id: another one would make CloudFormation delete the resource of the first.
    expect(updated).toMatchObject({
      Status: 'SUCCESS',
      Data: first.Data,
      PhysicalResourceId: first.PhysicalResourceId,
    });
  });

  test('lets itself be deleted, also when it was never made, and takes nothing away', async () => {
    const gone = { RequestType: 'Delete', PhysicalResourceId: 'TheResource', ResourceProperties: {} };
    expect(await send(name, gone)).toMatchObject({ Status: 'SUCCESS' });
    const again = await send(name, { ResourceProperties: properties() });
    expect(again).toMatchObject({ Status: 'SUCCESS', Data: attributes });
    const user = await service.signUp();
    await expect(user.save('still-works.txt', Buffer.from(name))).resolves.toMatchObject({ version: 1 });
  });
});

test('a failure says why, and where the log is', async () => {
  const answer = await send('Brokers', { ResourceProperties: { ClusterArn: `${streamArn()}-another` } });
  expect(answer).toMatchObject({ Status: 'FAILED', PhysicalResourceId: 'TheResource' });
  expect(answer.Reason).toMatch(/not authorized to perform: kafka:GetBootstrapBrokers .*\(log stream .+\)$/);
});

test('a reason too long for CloudFormation is cut', async () => {
  const answer = await send('Brokers', { ResourceProperties: { ClusterArn: 'x'.repeat(5000) } });
  expect(answer.Status).toBe('FAILED');
});

test('a signing key is made once, even if its event is delivered twice at the same time', async () => {
  const { client, SecretId } = secretOf('KeyBSigningKey');
  // As CloudFormation makes the secret, with a random text.
  await client.send(new PutSecretValueCommand({ SecretId, SecretString: 'random' }));
  const event = { RequestId: randomUUID() };
  const [one, other] = await Promise.all([send('KeyBSigningKey', event), send('KeyBSigningKey', event)]);
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId }));
  const publicKey = createPublicKey(SecretString!).export({ type: 'spki', format: 'pem' });
  expect([one.Data?.PublicKey, other.Data?.PublicKey]).toEqual([publicKey, publicKey]);
});

/** The secret that a function keeps, and a client with that function's credentials. */
function secretOf(name: string): { client: SecretsManagerClient; SecretId: string } {
  const { access, services } = service.cloud;
  const written = access
    .calls()
    .find(({ caller, action }) => caller === name && action === 'secretsmanager:PutSecretValue');
  const credentials = createRoles(service.data, recordCalls(service.data)).issue(name, '');
  const endpoint = services.endpoints.SECRETS_MANAGER!;
  const client = new SecretsManagerClient({ region: 'us-east-1', endpoint, credentials });
  return { client, SecretId: written!.resource };
}
