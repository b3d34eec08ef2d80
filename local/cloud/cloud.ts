/* The local cloud as a whole: it reads a cloud assembly and starts what the other rooms make of it, in order. */

import { mkdir } from 'node:fs/promises';
import { setFlagsFromString } from 'node:v8';
import { startServices } from '../aws/services.ts';
import { type CustomResources, startCustomResources } from '../events/custom-resources.ts';
import { startMappings } from '../events/mappings.ts';
import { readSchedule, startSchedules } from '../events/schedules.ts';
import { createSockets } from '../gateway/sockets.ts';
import { type ApiPorts, startGateways } from '../gateway/start.ts';
import { type Call, recordCalls } from '../iam/calls.ts';
import { iamProviders } from '../iam/provide.ts';
import { createRoles, type RoleGrant } from '../iam/roles.ts';
import { type Deployed, loadDeployed } from '../kept/deployed.ts';
import { lockFolder } from '../kept/lock.ts';
import { publish } from '../kept/running.ts';
import { createPermissions } from '../lambda/permissions.ts';
import { lambdaProviders } from '../lambda/provide.ts';
import { createLambda, type LambdaService } from '../lambda/service.ts';
import { loadAssembly } from '../template/assembly.ts';
import { isCustom } from '../template/order.ts';
import { type Provisioning, prepare } from '../template/provision.ts';
import { loadTls } from '../tls.ts';
import type { Identities, InvokeResult, Log, Provider, Resource, Services, ServicesOptions } from '../types.ts';
import { createNetwork, demandRoute, type Network } from '../vpc/network.ts';
import { writeOperator } from './operator.ts';
import { runtimeProviders } from './providers.ts';

/** A running local cloud. */
export interface Cloud {
  readonly urls: { readonly api: string; readonly socket: string; readonly cdn?: string };
  /** All CfnOutputs by name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The file of the CA that every local certificate is signed by. */
  readonly ca: string;
  readonly services: Services;
  /** Names of all functions. */
  readonly functions: readonly string[];
  /** What the roles of the templates allow, and of the AWS calls that were made with them one of each kind. */
  readonly access: { grants(): readonly RoleGrant[]; calls(): readonly Call[] };
  /** Invokes a function by name, ARN or logical id and waits for its answer. */
  invoke(nameOrLogicalId: string, payload: unknown): Promise<InvokeResult>;
  stop(): Promise<void>;
}

export interface CloudOptions {
  /** Folder of the cloud assembly (`cdk.out`). */
  readonly assembly: string;
  readonly data: string;
  /** The first of ten ports on 127.0.0.1. */
  readonly port: number;
  readonly log: Log;
  /** host:port of an Apache Kafka to use instead of the embedded stream; KAFKA_BROKERS unless given. */
  readonly kafkaBrokers?: readonly string[];
  /** The AWS services to run on; the local ones unless a test brings its own. */
  readonly startServices?: (options: ServicesOptions) => Promise<Services>;
}

/**
 * What every device sends and fetches passes through this process, which the runtime counts as heap: by its own measure
 * it would look through all of it for every 16 MiB. This lets the heap grow to four times what is in use.
 */
const HEAP_GROWTH = '--heap-growing-percent=300';

/** Where the services' ports begin, after those of the two APIs. */
const SERVICES_PORT = 2;

/** What the sources of events need of a cloud. */
interface Parts {
  readonly log: Log;
  readonly ports: ApiPorts;
  readonly tls: Awaited<ReturnType<typeof loadTls>>;
  readonly deployed: Deployed;
  readonly resources: () => Iterable<Resource>;
  readonly lambda: LambdaService;
  readonly services: Services;
  readonly identities: Identities;
  readonly network: Network;
  readonly sockets: ReturnType<typeof createSockets>;
}

/**
 * Runs a cloud assembly on this machine until `stop()`: services, resources, functions, gateways, event sources. What
 * it keeps lies in `data`. Throws LocalError with what to do where it cannot; nothing is left running then.
 */
export async function startCloud(options: CloudOptions): Promise<Cloud> {
  const undo = new AsyncDisposableStack();
  try {
    setFlagsFromString(HEAP_GROWTH);
    await mkdir(options.data, { recursive: true });
    undo.defer(await lockFolder(options.data));
    return await start(options, undo);
  } catch (error) {
    await undo.disposeAsync();
    throw error;
  }
}

async function start(options: CloudOptions, undo: AsyncDisposableStack): Promise<Cloud> {
  const { data, port, log } = options;
  const loading = [loadAssembly(options.assembly), loadTls(data), loadDeployed(data)] as const;
  const [assembly, tls, deployed] = await Promise.all(loading);
  const kafkaBrokers = options.kafkaBrokers ?? process.env.KAFKA_BROKERS?.split(',').filter(Boolean) ?? [];
  const calls = recordCalls(data);
  const roles = createRoles(data, calls);
  // Services, functions and resources know each other: what is made later is looked up when a call comes.
  let services: Services | undefined;
  let provisioning: Provisioning | undefined;
  const resources = () => provisioning?.resources.values() ?? [];
  const network = createNetwork(resources);
  const endpoints = () => services?.endpoints ?? {};
  const lambda = createLambda({ data, endpoints, tls, authorize: roles.authorize, log });
  const sockets = createSockets();
  const identities = identitiesOf(roles, lambda, network);

  services = await (options.startServices ?? startServices)({
    data,
    assets: assembly.assets,
    port: port + SERVICES_PORT,
    tls,
    identities,
    invoke: lambda.invoke,
    connections: sockets,
    log,
    ...(kafkaBrokers.length > 0 && { kafkaBrokers }),
  });
  undo.defer(() => services?.stop());
  undo.defer(() => lambda.stop());

  const custom = await startCustom({ tls, deployed, port }, lambda, network);
  undo.defer(() => custom.stop());
  const ports = { HTTP: port, WEBSOCKET: port + 1 };
  const providers: Readonly<Record<string, Provider>> = {
    ...runtimeProviders(ports),
    ...iamProviders(roles),
    ...lambdaProviders(lambda, roles, assembly),
    ...services.providers,
  };
  provisioning = prepare(assembly, (type) => (isCustom(type) ? custom.provision : providers[type]));
  await provisioning.run();
  await writeOperator(data, provisioning.outputs(), { roles, endpoint: services.endpoints.LAMBDA, ca: tls.caFile });

  const urls = await startSources(
    { log, ports, tls, deployed, resources, lambda, services, identities, network, sockets },
    undo,
  );
  undo.defer(await publish(data, lambda.definitions(), services.endpoints, tls));
  return {
    urls: { ...urls, ...cdnOf(resources()) },
    outputs: provisioning.outputs(),
    ca: tls.caFile,
    services,
    functions: lambda.definitions().map(({ name }) => name),
    access: { grants: roles.grants, calls: calls.list },
    invoke: (name, payload) => lambda.invoke(name, Buffer.from(JSON.stringify(payload)), 'RequestResponse'),
    stop: () => undo.disposeAsync(),
  };
}

/** Starts what sets functions off: the gateways, the mappings of the stream, the schedules. Returns the APIs' URLs. */
async function startSources(parts: Parts, undo: AsyncDisposableStack): Promise<{ api: string; socket: string }> {
  const { log, ports, tls, deployed, lambda, services, identities, network, sockets } = parts;
  const resources = [...parts.resources()];
  const mayInvoke = createPermissions(parts.resources);
  const gateways = await startGateways({
    resources,
    ports,
    services: { invoke: lambda.invoke, mayInvoke, tls, log },
    sockets,
    callbackUrl: services.endpoints.EXECUTE_API,
  });
  undo.defer(() => gateways.stop());
  const mappings = await startMappings({ resources, services, identities, lambda, network });
  // Together: a mapping waits for its running batch, which ends with the function's process.
  undo.defer(async () => {
    await Promise.all([mappings.stop(), lambda.stop()]);
  });
  const schedules = await startSchedules(readSchedules(resources), {
    mayInvoke,
    invoke: lambda.invoke,
    log,
    lastRun: deployed.lastRun,
    ran: (ruleArn) => deployed.setLastRun(ruleArn, Date.now()),
  });
  undo.defer(() => schedules.stop());
  return gateways.urls;
}

function startCustom(
  options: Pick<Parameters<typeof startCustomResources>[0], 'tls' | 'deployed' | 'port'>,
  lambda: LambdaService,
  network: Network,
): Promise<CustomResources> {
  return startCustomResources({
    ...options,
    invoke: lambda.invoke,
    demandWay: (arn) => demandRoute(network.obstacle(nameOf(lambda, arn), lambda.find(arn)?.placement, 's3')),
  });
}

/** The address of the CDN, where the templates have one. */
function cdnOf(resources: Iterable<Resource>): { cdn?: string } {
  const cdn = [...resources].find(({ type }) => type === 'AWS::CloudFront::Distribution')?.attributes.DomainName;
  return cdn === undefined ? {} : { cdn: `https://${cdn}` };
}

function nameOf(lambda: LambdaService, arn: string): string {
  return lambda.find(arn)?.name ?? arn;
}

function identitiesOf(roles: ReturnType<typeof createRoles>, lambda: LambdaService, network: Network): Identities {
  return {
    find: roles.find,
    authorize: roles.authorize,
    reach({ name }, service) {
      demandRoute(network.obstacle(name, lambda.find(name)?.placement, service));
    },
  };
}

function readSchedules(resources: Iterable<Parameters<typeof readSchedule>[0]>) {
  const rules = [...resources].filter(({ type }) => type === 'AWS::Events::Rule');
  return rules.map(readSchedule).filter((schedule) => schedule !== undefined);
}
