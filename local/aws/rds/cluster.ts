import { createHash } from 'node:crypto';
import { ACCOUNT, type Caller, type Provider, type Provisioned, REGION } from '../../types.ts';
import type { Postgres } from '../postgres/server.ts';
import type { Secrets } from '../secrets.ts';

/** The Aurora cluster of the template. */
interface Cluster {
  readonly arn: string;
  readonly resourceId: string;
  readonly masterUser: string;
  readonly dataApi: boolean;
}

export interface Rds {
  readonly providers: Readonly<Record<string, Provider>>;
  cluster(): Cluster | undefined;
  /** The resource id (cluster-… or prx-…) that rds-db:connect is granted on, by the host name that clients dial. */
  resourceId(host: string): string | undefined;
  /** The role with which the proxy of that name signs in to the cluster; undefined where clients dial the cluster. */
  proxyRole(host: string): Caller | undefined;
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
 * AWS::RDS resources over the embedded server. Cluster and proxy share one port, since the template has one
 * Endpoint.Port; the proxy answers to `localhost`, the cluster to `127.0.0.1`, and so tokens tell them apart.
 */
export function createRds(postgres: Postgres, secrets: Secrets, port: number): Rds {
  const hosts = new Map<string, string>();
  const proxies = new Map<string, Caller>();
  let cluster: Cluster | undefined;

  const passive: Provider = ({ physicalName }) => ({ ref: physicalName, attributes: {} });
  const instance: Provider = ({ physicalName }): Provisioned => ({
    ref: physicalName,
    attributes: {
      'Endpoint.Address': '127.0.0.1',
      'Endpoint.Port': port,
      DBInstanceArn: `arn:aws:rds:${REGION}:${ACCOUNT}:db:${physicalName}`,
    },
  });

  return {
    cluster: () => cluster,
    resourceId: (host) => hosts.get(host),
    proxyRole: (host) => proxies.get(host),
    providers: {
      'AWS::RDS::DBCluster': async ({ properties, physicalName, logicalId }) => {
        const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:cluster:${physicalName}`;
        if (cluster && cluster.arn !== arn) {
          throw new Error(`${logicalId}: the local cloud runs one Aurora cluster, and the template has more.`);
        }
        const masterUser = secrets.resolve(String(properties.MasterUsername ?? 'postgres'));
        const database = properties.DatabaseName === undefined ? undefined : String(properties.DatabaseName);
        await prepareDatabase(postgres, masterUser, database);
        const resourceId = `cluster-${resourceSuffix(physicalName)}`;
        cluster = {
          arn,
          resourceId,
          masterUser,
          dataApi: properties.EnableHttpEndpoint === true || properties.EnableHttpEndpoint === 'true',
        };
        hosts.set('127.0.0.1', resourceId);
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
        hosts.set('localhost', id);
        proxies.set('localhost', { name: logicalId, roleArn: String(properties.RoleArn) });
        const arn = `arn:aws:rds:${REGION}:${ACCOUNT}:db-proxy:${id}`;
        const ref = String(properties.DBProxyName ?? physicalName);
        return { ref, attributes: { DBProxyArn: arn, Endpoint: 'localhost' } };
      },
      'AWS::RDS::DBInstance': instance,
      'AWS::RDS::DBProxyTargetGroup': ({ physicalName }) => ({
        ref: physicalName,
        attributes: { TargetGroupArn: `arn:aws:rds:${REGION}:${ACCOUNT}:target-group:${physicalName}` },
      }),
      'AWS::RDS::DBSubnetGroup': passive,
      'AWS::RDS::DBClusterParameterGroup': passive,
      'AWS::RDS::DBParameterGroup': passive,
    },
  };
}
