/*
 * The AWS services that functions and clients call, each with as much of its interface as this app uses, over files and
 * PostgreSQL of this machine.
 */

import { mkdir } from 'node:fs/promises';
import type { Server } from 'node:net';
import { matureAccount } from '../account.ts';
import { close, listen } from '../listen.ts';
import type { Services, ServicesOptions } from '../types.ts';
import { createAccess } from './access.ts';
import { createAccountApis } from './account/apis.ts';
import { createDistributions } from './cdn/distribution.ts';
import { createEdge } from './cdn/edge.ts';
import { createAdminApi } from './cognito/admin.ts';
import { Cognito } from './cognito/server.ts';
import { createConnectionsApi } from './connections.ts';
import { startDynamoDb } from './dynamodb.ts';
import { createEndpoint } from './endpoint.ts';
import { httpsServer } from './http.ts';
import { createLambdaApi } from './lambda.ts';
import { createMsk } from './msk/cluster.ts';
import { createMskFront } from './msk/front.ts';
import { startPostgres } from './postgres/server.ts';
import { createRds } from './rds/cluster.ts';
import { createDataApi } from './rds/data-api.ts';
import { createBuckets } from './s3/buckets.ts';
import { createS3Handler } from './s3/handler.ts';
import { createSecrets } from './secrets.ts';
import { openKafkaStream } from './stream/kafka-stream.ts';
import { openPostgresStream } from './stream/postgres-stream.ts';

/**
 * Starts the AWS services that functions and clients call, on the ports `port` (AWS endpoint), `+1` (edge), `+2`
 * (Cognito), `+3` (RDS), `+4` (MSK) and from `+5` on (RDS clusters beyond the first) of the loopback address. Their
 * state lives in the data folder; resources appear when the template's providers are called.
 * @throws Error that says what to do where a port is taken or a part does not start; nothing is left running then
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const undo = new AsyncDisposableStack();
  try {
    return await start(options, undo);
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

/** Services behind the AWS endpoint, as SDKs spell their names in variables. */
const served = ['S3', 'DYNAMODB', 'LAMBDA', 'SECRETS_MANAGER', 'KAFKA', 'RDS_DATA', 'EXECUTE_API'];

async function serve(server: Server, port: number, purpose: string, undo: AsyncDisposableStack): Promise<void> {
  await listen(server, port, purpose);
  undo.defer(() => close(server));
}

async function start(options: ServicesOptions, undo: AsyncDisposableStack): Promise<Services> {
  const { data, port, tls, identities, log } = options;
  const ports = { endpoint: port, edge: port + 1, cognito: port + 2, msk: port + 4 };
  const rdsPorts = [port + 3, port + 5, port + 6, port + 7];
  await mkdir(data, { recursive: true });
  const access = createAccess(identities, log);
  const checks = { identities, access, log };

  const postgres = await startPostgres(data, log);
  undo.defer(() => postgres.stop());
  const dynamodb = await startDynamoDb(data, access, log);
  undo.defer(() => dynamodb.close());
  const stream = options.kafkaBrokers?.length
    ? await openKafkaStream(options.kafkaBrokers, log)
    : await openPostgresStream(postgres.pool, log);
  undo.defer(() => stream.stop());

  const secrets = createSecrets(data, access);
  const buckets = createBuckets(data, options.assets);
  undo.defer(() => buckets.close());
  const rds = createRds({ data, first: postgres, ports: rdsPorts, tls, secrets, identities, access, log });
  undo.defer(() => rds.stop());
  const account = options.account ?? matureAccount;
  const msk = createMsk(stream, `127.0.0.1:${ports.msk}`, { access, account });
  const cognito = new Cognito({ data, base: `https://127.0.0.1:${ports.cognito}`, secrets, log });
  const distributions = createDistributions(`127.0.0.1:${ports.edge}`);
  const edge = createEdge(buckets, distributions.current, log);

  const apis = [
    dynamodb.api,
    secrets.api,
    msk.api,
    createDataApi(rds, secrets, access),
    createLambdaApi(options.invoke, { access, account }),
    createConnectionsApi(options.connections, access),
    createAdminApi(cognito, access, log),
    ...createAccountApis(account, access),
  ];
  const endpoint = createEndpoint(createS3Handler(buckets, identities, access, log), apis, checks);
  await serve(httpsServer(tls, endpoint), ports.endpoint, 'AWS endpoint', undo);
  await serve(httpsServer(tls, edge.handle), ports.edge, 'CDN edge', undo);
  await serve(httpsServer(tls, cognito.handle), ports.cognito, 'Cognito', undo);
  const mskFront = createMskFront({ stream, msk, identities, access, host: '127.0.0.1', port: ports.msk, log }, tls);
  await serve(mskFront.server, ports.msk, 'Kafka', undo);
  undo.defer(() => mskFront.stop());

  const url = `https://127.0.0.1:${ports.endpoint}`;
  const services = [buckets, dynamodb, secrets, rds, msk, cognito, distributions];
  return {
    providers: Object.assign({}, ...services.map(({ providers }) => providers)),
    endpoints: Object.fromEntries(served.map((name) => [name, url])),
    stream,
    createUser: (poolId, user) => cognito.createUser(poolId, user),
    database: postgres.superuser,
    databases: () => rds.servers().map(({ superuser }) => superuser),
    pins: rds.pins,
    edgeReport: edge.report,
    stop: () => undo.disposeAsync(),
  };
}
