/*
 * Keeps the service that the test files share, and answers what they need of it beside its API: node keeper.ts ASSEMBLY
 * DATABASE.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Cloud, startCloud } from '../../../local/cloud/cloud.ts';
import { layDatabase } from '../../support/database.ts';
import { freePorts } from '../../support/ports.ts';
import { scratch } from '../../support/scratch.ts';

/** What a test file gets to know of the shared service. */
export interface Whereabouts {
  readonly api: string;
  /** File of the CA that signed the service's certificates. */
  readonly ca: string;
  /** Folder of the local cloud. */
  readonly data: string;
  readonly database: Cloud['services']['database'];
}

const [assembly, database] = process.argv.slice(2) as [string, string];
const data = await scratch('tidemark-shared-');
let starting: Promise<Cloud> | undefined;

async function start(): Promise<Cloud> {
  await layDatabase(data, database);
  return await startCloud({ assembly, data, port: await freePorts(10), log: () => {} });
}

async function answer(path: string, body: Buffer): Promise<unknown> {
  // Only when a test asks for it: other tests run without.
  starting ??= start();
  const cloud = await starting;
  const { pathname, searchParams } = new URL(path, 'http://keeper');
  const payload: unknown = body.length > 0 ? JSON.parse(body.toString()) : undefined;
  switch (pathname) {
    case '/':
      return { api: cloud.urls.api, ca: cloud.ca, data, database: cloud.services.database } satisfies Whereabouts;
    case '/users':
      await cloud.services.createUser(cloud.outputs.UserPoolId!, payload as { username: string; password: string });
      return {};
    case '/invoke': {
      const { payload: result, functionError } = await cloud.invoke(searchParams.get('function')!, payload);
      return { result: result.toString(), failed: functionError !== undefined };
    }
    default:
      throw new Error(`there is no ${pathname}`);
  }
}

const server = createServer(async (request, response) => {
  try {
    response.end(JSON.stringify(await answer(request.url!, await buffer(request))));
  } catch (error) {
    response.writeHead(500).end((error as Error).stack);
  }
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(`http://127.0.0.1:${(server.address() as { port: number }).port}`);

// Its end is that of the process that started this one, however that came.
process.stdin.resume().once('end', async () => {
  await (await starting)?.stop();
  await rm(data, { recursive: true, force: true });
  process.exit();
});
