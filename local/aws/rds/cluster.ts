import { createHash } from 'node:crypto';
import { LocalError } from '../../errors.ts';
import { ACCOUNT, type Provider, type Provisioned, REGION } from '../../types.ts';
import type { Postgres } from '../postgres/server.ts';
import type { Secrets } from '../secrets.ts';

/** An Aurora cluster of the template: a PostgreSQL server of its own, on a port of its own. */
interface Cluster {
  readonly name: string;
  readonly arn: string;
  readonly masterUser: string;
  readonly dataApi: boolean;
  readonly postgres: Postgres;
  readonly port: number;
}

/** A server that waits for a cluster, and the port on which its front listens. */
export interface Server {
  readonly postgres: Postgres;
  readonly port: number;
}

export interface Rds {
  readonly providers: Readonly<Record<string, Provider>>;
  /** The cluster of that ARN. */
  cluster(arn: string): Cluster | undefined;
  /** The resource id (cluster-… or prx-…) that rds-db:connect is granted on, by the address that clients dial. */
  resourceId(host: string, port: number): string | undefined;
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

/**
 * AWS::RDS resources over embedded servers, one for each cluster; `serverOf` starts the server of the nth. Cluster and
 * proxy share a port, since the template writes one Endpoint.Port; the proxy answers to `localhost`, the cluster to
 * `127.0.0.1`, and so tokens tell them apart.
 */
export function createRds(secrets: Secrets, serverOf: (index: number) => Promise<Server>): Rds {
  const clusters = new Map<string, Cluster>();
  const proxies = new Map<string, string>();
  /** Resource ids by `host:port`. */
  const addresses = new Map<string, string>();

  const passive: Provider = ({ physicalName }) => ({ ref: physicalName, attributes: {} });
  const instance: Provider = ({ physicalName, properties }): Provisioned => ({
    ref: physicalName,
    attributes: {
      'Endpoint.Address': '127.0.0.1',
      'Endpoint.Port': clusters.get(String(properties.DBClusterIdentifier))?.port ?? 0,
      DBInstanceArn: `arn:aws:rds:${REGION}:${ACCOUNT}:db:${physicalName}`,
    },
  });

  return {
    cluster: (arn) => [...clusters.values()].find((cluster) => cluster.arn === arn),
    resourceId: (host, port) => addresses.get(`${host}:${port}`),
    providers: {
      'AWS::RDS::DBCluster': async ({ properties, physicalName }) => {
        const { postgres, port } = await serverOf(clusters.size);
        const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:cluster:${physicalName}`;
        const masterUser = secrets.resolve(String(properties.MasterUsername ?? 'postgres'));
        const database = properties.DatabaseName === undefined ? undefined : String(properties.DatabaseName);
        await prepareDatabase(postgres, masterUser, database);
        const dataApi = properties.EnableHttpEndpoint === true || properties.EnableHttpEndpoint === 'true';
        clusters.set(physicalName, { name: physicalName, arn, masterUser, dataApi, postgres, port });
        const resourceId = `cluster-${resourceSuffix(physicalName)}`;
        addresses.set(`127.0.0.1:${port}`, resourceId);
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
      'AWS::RDS::DBProxy': ({ properties, physicalName }) => {
        const id = `prx-${resourceSuffix(physicalName).toLowerCase()}`;
        const ref = String(properties.DBProxyName ?? physicalName);
        proxies.set(ref, id);
        const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:db-proxy:${id}`;
        return { ref, attributes: { DBProxyArn: arn, Endpoint: 'localhost' } };
      },
      'AWS::RDS::DBProxyTargetGroup': ({ properties, physicalName, logicalId }) => {
        const proxy = proxies.get(String(properties.DBProxyName));
        const [name] = [properties.DBClusterIdentifiers ?? []].flat();
        const cluster = clusters.get(String(name));
        if (!proxy || !cluster) {
          throw new LocalError('Template', `${logicalId}: a target group joins a proxy and one cluster`);
        }
        addresses.set(`localhost:${cluster.port}`, proxy);
        return {
          ref: physicalName,
          attributes: { TargetGroupArn: `arn:aws:rds:${REGION}:${ACCOUNT}:target-group:${physicalName}` },
        };
      },
      'AWS::RDS::DBInstance': instance,
      'AWS::RDS::DBSubnetGroup': passive,
      'AWS::RDS::DBClusterParameterGroup': passive,
      'AWS::RDS::DBParameterGroup': passive,
    },
  };
}
