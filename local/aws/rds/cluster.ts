import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { texts } from '../../json.ts';
import { close, listen } from '../../listen.ts';
import { ACCOUNT, type Identities, type Log, type Provider, REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import { type Postgres, startPostgres } from '../postgres/server.ts';
import type { Secrets } from '../secrets.ts';
import { createRdsFront, type Dialled } from './front.ts';

/** An Aurora cluster of the template: a PostgreSQL server of its own, behind its own port. */
interface Cluster {
  readonly arn: string;
  readonly resourceId: string;
  readonly masterUser: string;
  readonly dataApi: boolean;
  /** Whether it goes to zero units while nobody is connected. */
  readonly pauses: boolean;
  readonly postgres: Postgres;
}

export interface Rds {
  readonly providers: Readonly<Record<string, Provider>>;
  cluster(arn: string): Cluster | undefined;
  /** The servers of all clusters, in the order of the template. */
  servers(): readonly Postgres[];
  /** How often each user's statements made a proxy keep a connection for one client. */
  pins(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export interface RdsOptions {
  readonly data: string;
  /** The server of the first cluster, which runs in any case. */
  readonly first: Postgres;
  /** One for each cluster that there may be. */
  readonly ports: readonly number[];
  readonly tls: { readonly cert: string; readonly key: string };
  readonly secrets: Secrets;
  readonly identities: Identities;
  readonly access: Access;
  readonly log: Log;
}

type Properties = Readonly<Record<string, unknown>>;

/** A cluster with what its clients reach, by the host name that they dial. */
interface Served extends Cluster {
  readonly port: number;
  readonly hosts: Map<string, Dialled>;
  stop(): Promise<void>;
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/**
 * Roles and database as a new Aurora cluster has them: `rds_iam` marks who signs in by IAM token, and the master user
 * may create roles and databases but is no superuser.
 */
async function prepareDatabase(postgres: Postgres, masterUser: string, database: string | undefined): Promise<void> {
  const exists = async (catalog: 'pg_roles' | 'pg_database', column: string, name: string): Promise<boolean> =>
    (await postgres.pool.query(`SELECT 1 FROM ${catalog} WHERE ${column} = $1`, [name])).rowCount === 1;
  if (!(await exists('pg_roles', 'rolname', 'rds_iam'))) await postgres.pool.query('CREATE ROLE rds_iam');
  if (!(await exists('pg_roles', 'rolname', masterUser))) {
    await postgres.pool.query(`CREATE ROLE ${quote(masterUser)} LOGIN CREATEROLE CREATEDB`);
  }
  const predefined = 'rds_iam, pg_monitor, pg_signal_backend';
  await postgres.pool.query(`GRANT ${predefined} TO ${quote(masterUser)} WITH ADMIN OPTION`);
  if (database !== undefined && !(await exists('pg_database', 'datname', database))) {
    await postgres.pool.query(`CREATE DATABASE ${quote(database)} OWNER ${quote(masterUser)}`);
  }
}

/** Upper-case letters and digits like the ids that RDS gives, the same at every start. */
function resourceSuffix(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 26).toUpperCase();
}

/** The clusters and proxies of the template, as they come up one after the other. */
class Fleet {
  readonly clusters = new Map<string, Served>();
  readonly proxies = new Map<string, Dialled>();
  /** By the name of the parameter group. */
  readonly settings = new Map<string, Readonly<Record<string, string>>>();
  readonly pins = new Map<string, number>();
  readonly #told = new Set<string>();
  readonly #options: RdsOptions;

  constructor(options: RdsOptions) {
    this.#options = options;
  }

  /** The port of a cluster, which its instances have as well. */
  portOf(cluster: string): number {
    return this.clusters.get(cluster)?.port ?? this.#options.ports[0]!;
  }

  async addCluster(name: string, properties: Properties): Promise<Served> {
    const masterUser = this.#options.secrets.resolve(String(properties.MasterUsername ?? 'postgres'));
    const dataApi = properties.EnableHttpEndpoint === true || properties.EnableHttpEndpoint === 'true';
    const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:cluster:${name}`;
    const { MinCapacity } = (properties.ServerlessV2ScalingConfiguration ?? {}) as Properties;
    const pauses = MinCapacity !== undefined && Number(MinCapacity) === 0;
    const served = { arn, masterUser, dataApi, pauses, ...(await this.#serve(name, this.#settingsOf(properties))) };
    this.clusters.set(name, served);
    const database = properties.DatabaseName === undefined ? undefined : String(properties.DatabaseName);
    await prepareDatabase(served.postgres, masterUser, database);
    return served;
  }

  #settingsOf({ DBClusterParameterGroupName: group }: Properties): Readonly<Record<string, string>> {
    return this.settings.get(String(group)) ?? {};
  }

  /** Counts a pinned connection, and tells of each kind once. */
  #pinned(user: string, why: string): void {
    this.pins.set(user, (this.pins.get(user) ?? 0) + 1);
    const line = `rds: the proxy keeps a connection for one client of ${user}: ${why}`;
    if (this.#told.has(line)) return;
    this.#told.add(line);
    this.#options.log(line, 'note');
  }

  /** The cluster's server, reachable on the cluster's port. */
  async #serve(
    name: string,
    settings: Readonly<Record<string, string>>,
  ): Promise<Pick<Served, 'postgres' | 'port' | 'resourceId' | 'hosts' | 'stop'>> {
    const { data, first, ports, tls, identities, access, log } = this.#options;
    const port = ports[this.clusters.size];
    if (port === undefined)
      throw new Error(`The local cloud runs ${ports.length} Aurora clusters; ${name} is one more.`);
    const postgres = this.clusters.size === 0 ? first : await startPostgres(join(data, 'clusters', name), log);
    const resourceId = `cluster-${resourceSuffix(name)}`;
    const hosts = new Map<string, Dialled>([['127.0.0.1', { resourceId }]]);
    const dialled = (host: string) => hosts.get(host);
    const pinned = (user: string, why: string): void => this.#pinned(user, why);
    const about = { postgres, resourceId, dialled, settings, pinned, identities, access, port, log };
    const front = createRdsFront(about, tls);
    const stop = async (): Promise<void> => {
      front.stop();
      await close(front.server);
      if (postgres !== first) await postgres.stop();
    };
    await listen(front.server, port, 'PostgreSQL').catch(async (error: unknown) => {
      if (postgres !== first) await postgres.stop();
      throw error;
    });
    return { postgres, port, resourceId, hosts, stop };
  }
}

/**
 * AWS::RDS resources over embedded servers, one for each cluster. A cluster and its proxy share a port, since the
 * template has one Endpoint.Port; the proxy answers to `localhost`, the cluster to `127.0.0.1`, and so tokens tell them
 * apart.
 */
export function createRds(options: RdsOptions): Rds {
  const fleet = new Fleet(options);
  const { clusters } = fleet;
  return {
    cluster: (arn) => [...clusters.values()].find((cluster) => cluster.arn === arn),
    servers: () => [...clusters.values()].map(({ postgres }) => postgres),
    pins: () => fleet.pins,
    async stop() {
      for (const cluster of clusters.values()) await cluster.stop();
    },
    providers: rdsProviders(fleet),
  };
}

function rdsProviders(fleet: Fleet): Readonly<Record<string, Provider>> {
  const passive: Provider = ({ physicalName }) => ({ ref: physicalName, attributes: {} });
  return {
    'AWS::RDS::DBCluster': async ({ properties, physicalName }) => {
      const { port, arn, resourceId } = await fleet.addCluster(physicalName, properties);
      return {
        ref: physicalName,
        attributes: {
          'Endpoint.Address': '127.0.0.1',
          'Endpoint.Port': port,
          'ReadEndpoint.Address': '127.0.0.1',
          DBClusterArn: arn,
          DBClusterResourceId: resourceId,
        },
      };
    },
    'AWS::RDS::DBProxy': ({ properties, physicalName, logicalId }) => {
      const id = `prx-${resourceSuffix(physicalName).toLowerCase()}`;
      const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:db-proxy:${id}`;
      const ref = String(properties.DBProxyName ?? physicalName);
      fleet.proxies.set(ref, { resourceId: id, proxyRole: { name: logicalId, roleArn: String(properties.RoleArn) } });
      return { ref, attributes: { DBProxyArn: arn, Endpoint: 'localhost' } };
    },
    'AWS::RDS::DBInstance': ({ properties, physicalName }) => ({
      ref: physicalName,
      attributes: {
        'Endpoint.Address': '127.0.0.1',
        'Endpoint.Port': fleet.portOf(String(properties.DBClusterIdentifier)),
        DBInstanceArn: `arn:aws:rds:${REGION}:${ACCOUNT}:db:${physicalName}`,
      },
    }),
    'AWS::RDS::DBProxyTargetGroup': ({ properties, physicalName }) => {
      const proxy = fleet.proxies.get(String(properties.DBProxyName));
      for (const name of texts(properties.DBClusterIdentifiers))
        if (proxy !== undefined) fleet.clusters.get(name)?.hosts.set('localhost', proxy);
      const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:target-group:${physicalName}`;
      return { ref: physicalName, attributes: { TargetGroupArn: arn } };
    },
    'AWS::RDS::DBSubnetGroup': passive,
    'AWS::RDS::DBClusterParameterGroup': ({ properties, physicalName }) => {
      const all = Object.entries((properties.Parameters ?? {}) as Record<string, unknown>);
      // What begins with rds. is no setting of PostgreSQL.
      const settings = all.filter(([name]) => !name.startsWith('rds.')).map(([name, value]) => [name, String(value)]);
      fleet.settings.set(physicalName, Object.fromEntries(settings));
      return { ref: physicalName, attributes: {} };
    },
    'AWS::RDS::DBParameterGroup': passive,
  };
}
