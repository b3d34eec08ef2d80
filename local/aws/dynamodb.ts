import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dynalite from 'dynalite';
import { ACCOUNT, type Log, type Provider, REGION } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError } from './errors.ts';
import { type JsonApi, operationOf, parseMembers } from './json-api.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface DynamoDb {
  readonly api: JsonApi;
  readonly providers: Readonly<Record<string, Provider>>;
  close(): Promise<void>;
}

/** dynalite wants an Authorization header but verifies nothing; the real check is made before it is asked. */
function send(socketPath: string, operation: string, body: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-amz-json-1.0',
      'content-length': body.length,
      'x-amz-target': `DynamoDB_20120810.${operation}`,
      'x-amz-date': new Date().toISOString(),
      authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=local',
    };
    const request = httpRequest({ socketPath, method: 'POST', path: '/', headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const crc = String(response.headers['x-amz-crc32'] ?? '');
        const answered = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-crc32': crc };
        resolve({ status: response.statusCode ?? 500, headers: answered, body: Buffer.concat(chunks) });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function tableArn(name: string): string {
  return `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;
}

/** Ends that are farther away are meant in milliseconds. */
const FARTHEST_SECONDS = 10 * 366 * 86_400;

/** What is wrong with the end of an item, in a table whose items end by that attribute; undefined if nothing is. */
export function ttlProblem(
  attribute: string,
  item: Readonly<Record<string, { readonly N?: string }>>,
): string | undefined {
  const { N = 'no number' } = item[attribute] ?? {};
  const isNear = Number(N) - Date.now() / 1000 < FARTHEST_SECONDS;
  return isNear ? undefined : `its ${attribute} is ${N}, and DynamoDB counts seconds since 1970`;
}

/** The tables that a call touches: one, or the keys of a batch. */
function tablesOf(members: Record<string, unknown>): string[] {
  if (typeof members.TableName === 'string') return [members.TableName.replace(/^arn:.*:table\//, '')];
  return Object.keys((members.RequestItems as Record<string, unknown> | undefined) ?? {});
}

/**
 * DynamoDB by dynalite over LevelDB in `<data>/dynamodb`. It listens on a socket in a folder that only this user can
 * enter, so that the signature and IAM checks cannot be walked around. Expired items stay: TTL deletes within days, and
 * readers have to look at expires_at in AWS too.
 */
export async function startDynamoDb(data: string, access: Access, log: Log): Promise<DynamoDb> {
  const path = join(data, 'dynamodb');
  await mkdir(path, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-'));
  const socketPath = join(folder, 'dynamodb');
  const server = dynalite({ path, createTableMs: 0 });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(socketPath, resolve));

  /** By table, the attribute that says when an item ends. */
  const endings = new Map<string, string>();
  const provider: Provider = async ({ properties, physicalName }) => {
    const { TableName = physicalName, KeySchema, AttributeDefinitions, GlobalSecondaryIndexes } = properties;
    const definition = { TableName, KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' };
    const indexes = GlobalSecondaryIndexes === undefined ? {} : { GlobalSecondaryIndexes };
    const answer = await send(socketPath, 'CreateTable', Buffer.from(JSON.stringify({ ...definition, ...indexes })));
    const text = answer.body.toString();
    if (answer.status !== 200 && !text.includes('ResourceInUseException')) {
      throw new Error(`Table ${TableName} cannot be created: ${text}`);
    }
    const name = String(TableName);
    const { AttributeName } = (properties.TimeToLiveSpecification ?? {}) as { AttributeName?: string };
    if (AttributeName) endings.set(name, AttributeName);
    return { ref: name, attributes: { Arn: tableArn(name), TableId: name } };
  };

  return {
    api: {
      service: 'dynamodb',
      async handle({ request, response, principal, body }) {
        const operation = operationOf(request);
        const tables = tablesOf(parseMembers(body));
        if (tables.length === 0)
          throw new AwsError('ValidationException', `The local DynamoDB has no ${operation} here.`);
        const { TableName, Item } = parseMembers(body) as {
          TableName?: string;
          Item?: Parameters<typeof ttlProblem>[1];
        };
        const ending = endings.get(String(TableName));
        const problem = ending && Item && operation === 'PutItem' ? ttlProblem(ending, Item) : undefined;
        if (problem) log(`dynamodb: ${principal.name} puts an item into ${TableName} that never ends: ${problem}`);
        for (const table of tables) access.demand(principal, `dynamodb:${operation}`, tableArn(table));
        const answer = await send(socketPath, operation, body);
        response.writeHead(answer.status, { ...answer.headers, 'content-length': answer.body.length }).end(answer.body);
      },
    },
    providers: { 'AWS::DynamoDB::Table': provider, 'AWS::DynamoDB::GlobalTable': provider },
    async close() {
      server.closeIdleConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
