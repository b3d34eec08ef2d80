import { Duration } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { type ISecurityGroup, type IVpc, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  DatabaseCluster as AuroraCluster,
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseClusterEngine,
  DatabaseProxy,
  DefaultAuthScheme,
  ProxyTarget,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Profile } from '../profiles/profile.ts';
import { acknowledge } from './acknowledge.ts';
import type { TidemarkFunction } from './function.ts';

/** PostgreSQL roles that sign in with an IAM token: one for requests, one that may change the schema. */
export type DatabaseUser = 'tidemark_app' | 'tidemark_migrate';

export const databaseName = 'tidemark';

/** Where a cluster lives, and from which security group it is reached. */
interface DatabaseNetwork {
  readonly vpc: IVpc;
  readonly functionGroup: ISecurityGroup;
}

export interface DatabaseClusterProps {
  readonly profile: Profile;
  readonly network: DatabaseNetwork;
  /** Encrypts storage, backups and snapshots; it cannot be changed later. @default - the account's key `aws/rds` */
  readonly key?: IKey;
}

/** One Aurora cluster, behind a proxy where the profile has one. Only its master signs in with a password. */
export class DatabaseCluster extends Construct {
  readonly arn: string;
  readonly masterSecret: ISecret;
  readonly #cluster: AuroraCluster;
  readonly #proxy: DatabaseProxy | undefined;

  constructor(scope: Construct, id: string, { profile, network, key }: DatabaseClusterProps) {
    super(scope, id);
    this.#cluster = this.#createCluster(profile, network, key);
    this.arn = this.#cluster.clusterArn;
    if (!this.#cluster.secret) throw new Error('The metadata cluster was made without a master secret.');
    this.masterSecret = this.#cluster.secret;

    this.#proxy = profile.metadata.proxy ? this.#createProxy(network) : undefined;
    const front = this.#proxy ?? this.#cluster;
    front.connections.allowFrom(network.functionGroup, Port.tcp(5432), 'Functions that run SQL');
  }

  /** Where functions connect to. */
  get address(): { readonly host: string; readonly port: number } {
    const { hostname, port } = this.#cluster.clusterEndpoint;
    return { host: this.#proxy?.endpoint ?? hostname, port };
  }

  /** What CloudWatch knows of the cluster under that name, over five minutes. */
  metric(name: string, statistic?: string): Metric {
    return this.#cluster.metric(name, { ...(statistic && { statistic }) });
  }

  grantConnect(fn: TidemarkFunction, user: DatabaseUser): void {
    (this.#proxy ?? this.#cluster).grantConnect(fn, user);
  }

  #createCluster({ metadata, ...profile }: Profile, network: DatabaseNetwork, key?: IKey): AuroraCluster {
    const cluster = new AuroraCluster(this, 'Cluster', {
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_9 }),
      credentials: Credentials.fromGeneratedSecret('tidemark_master'),
      defaultDatabaseName: databaseName,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [new SecurityGroup(this, 'SecurityGroup', { vpc: network.vpc, description: 'Metadata cluster' })],
      serverlessV2MinCapacity: metadata.minCapacity,
      serverlessV2MaxCapacity: metadata.maxCapacity,
      ...(metadata.pauseAfter && { serverlessV2AutoPauseDuration: metadata.pauseAfter }),
      writer: ClusterInstance.serverlessV2('Writer'),
      readers: Array.from({ length: metadata.readers }, (_, reader) =>
        ClusterInstance.serverlessV2(`Reader${reader + 1}`, { scaleWithWriter: true }),
      ),
      parameters: {
        'rds.force_ssl': '1',
        // Milliseconds. A frozen function cannot close its connections, and with one open a cluster never pauses.
        idle_session_timeout: String(Duration.minutes(2).toMilliseconds()),
        // Under the shortest timeout of a function that waits for it (10 s), so that the caller gets an answer. Here, and
        // not at the start of a connection, where a proxy would refuse it.
        statement_timeout: String(Duration.seconds(8).toMilliseconds()),
      },
      iamAuthentication: true,
      enableDataApi: true,
      storageEncrypted: true,
      ...(key && { storageEncryptionKey: key }),
      backup: { retention: metadata.backupRetention },
      copyTagsToSnapshot: true,
      deletionProtection: profile.deletionProtection,
      removalPolicy: profile.removalPolicy,
    });
    acknowledge(cluster, {
      'AwsSolutions-SMG4':
        'One function reads the password, at deployment, through the Data API; all others sign in with IAM tokens of 15 minutes.',
    });
    if (!profile.deletionProtection) {
      acknowledge(cluster, { 'AwsSolutions-RDS10': 'This profile is for trying out, and `cdk destroy` removes all.' });
    }
    return cluster;
  }

  /** A proxy that signs in to the cluster with IAM as well, so that no password of a user exists anywhere. */
  #createProxy(network: DatabaseNetwork): DatabaseProxy {
    const role = new Role(this, 'ProxyRole', { assumedBy: new ServicePrincipal('rds.amazonaws.com') });
    const users: DatabaseUser[] = ['tidemark_app', 'tidemark_migrate'];
    for (const user of users) this.#cluster.grantConnect(role, user);
    return new DatabaseProxy(this, 'Proxy', {
      proxyTarget: ProxyTarget.fromCluster(this.#cluster),
      defaultAuthScheme: DefaultAuthScheme.IAM_AUTH,
      role,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [
        new SecurityGroup(this, 'ProxySecurityGroup', { vpc: network.vpc, description: 'Metadata proxy' }),
      ],
      requireTLS: true,
      // As long as a function waits for a connection, in place of two minutes.
      borrowTimeout: Duration.seconds(8),
    });
  }
}
