import { rm } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { startServices } from '../../../local/aws/services.ts';
import { LocalError } from '../../../local/errors.ts';
import { loadTls } from '../../../local/tls.ts';
import type {
  Connections,
  Identities,
  Principal,
  Provisioned,
  Services,
  ServicesOptions,
} from '../../../local/types.ts';
import { freePorts } from '../../support/ports.ts';
import { scratch } from '../../support/scratch.ts';

/** Rules as `action resource`, each with a trailing `*` or none. */
type Grants = readonly string[];

export interface TestPrincipal extends Principal {
  readonly credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string };
}

export interface Fixture {
  readonly services: Services;
  readonly data: string;
  readonly port: number;
  readonly url: string;
  readonly ca: string;
  readonly log: string[];
  /** Settings that every SDK client of a test takes. */
  client(principal: TestPrincipal): {
    region: string;
    endpoint: string;
    credentials: TestPrincipal['credentials'];
    maxAttempts: number;
  };
  principal(name: string, grants: Grants, options?: { unreachable?: readonly string[] }): TestPrincipal;
  provide(type: string, logicalId: string, properties: Record<string, unknown>): Promise<Provisioned>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

function covers(grant: string, action: string, resource: string): boolean {
  const wanted = `${action} ${resource}`;
  return grant.endsWith('*') ? wanted.startsWith(grant.slice(0, -1)) : wanted === grant;
}

/** A handful of principals with flat grants, in place of the template's roles. */
function createIdentities(): Identities & Pick<Fixture, 'principal'> {
  const known = new Map<string, { principal: TestPrincipal; grants: Grants; unreachable: readonly string[] }>();
  return {
    principal(name, grants, { unreachable = [] } = {}) {
      const credentials = {
        accessKeyId: `ASIA${name.toUpperCase()}`,
        secretAccessKey: `secret/of+${name}`,
        sessionToken: `token/of+${name}==`,
      };
      const principal = { name, roleArn: `arn:aws:iam::000000000000:role/${name}`, ...credentials, credentials };
      known.set(credentials.accessKeyId, { principal, grants, unreachable });
      return principal;
    },
    find: (accessKeyId) => known.get(accessKeyId)?.principal,
    authorize({ name, roleArn }, action, resource) {
      const role = [...known.values()].find(({ principal }) => principal.name === name);
      if (role?.grants.some((grant) => covers(grant, action, resource))) return;
      const message = `User: ${roleArn} is not authorized to perform: ${action} on resource: ${resource}`;
      throw new LocalError('AccessDenied', message, 403);
    },
    reach({ accessKeyId, name }, service) {
      if (!known.get(accessKeyId)?.unreachable.includes(service)) return;
      throw new LocalError('Unreachable', `network: ${name} has no route to ${service}`, 403);
    },
  };
}

const noConnections: Connections = { post: async () => 'gone', close: async () => 'gone', get: async () => 'gone' };

/** Starts the services, by default on free ports over a new data folder, with the local CA trusted by this process. */
export async function startFixture(overrides: Partial<ServicesOptions> = {}): Promise<Fixture> {
  const data = overrides.data ?? (await scratch('tidemark-test-'));
  const port = overrides.port ?? (await freePorts(8));
  const tls = await loadTls(data);
  setDefaultCACertificates([...getCACertificates('default'), tls.ca]);
  const identities = createIdentities();
  const log: string[] = [];
  const options: ServicesOptions = {
    data,
    port,
    tls,
    identities,
    invoke: async () => ({ payload: Buffer.from('null') }),
    connections: noConnections,
    log: (line) => log.push(line),
    ...overrides,
  };
  let services = await startServices(options);
  const url = `https://127.0.0.1:${port}`;
  return {
    get services() {
      return services;
    },
    data,
    port,
    url,
    ca: tls.ca,
    log,
    client: ({ credentials }) => ({ region: 'us-east-1', endpoint: url, credentials, maxAttempts: 1 }),
    principal: identities.principal,
    async provide(type, logicalId, properties) {
      const provider = services.providers[type];
      if (!provider) throw new Error(`There is no provider for ${type}.`);
      return provider({ type, logicalId, stack: 'Test', physicalName: `test-${logicalId.toLowerCase()}`, properties });
    },
    async restart() {
      await services.stop();
      services = await startServices(options);
    },
    async stop() {
      await services.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
