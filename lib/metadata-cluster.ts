import { CustomResource, Duration } from 'aws-cdk-lib';
import { Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  AuroraPostgresEngineVersion,
  ClusterInstance,
  Credentials,
  DatabaseCluster,
  DatabaseClusterEngine,
  DatabaseProxy,
  DefaultAuthScheme,
  ProxyTarget,
} from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { TidemarkFunction } from './function.ts';
import type { NetworkStack } from './network-stack.ts';
import type { Profile } from './profile.ts';

/** PostgreSQL roles that sign in with an IAM token: one for requests, one that may change the schema. */
export type DatabaseUser = 'tidemark_app' | 'tidemark_migrate';

/** Name of the database in every cluster. */
export const databaseName = 'tidemark';

interface MetadataClusterProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
  /** Encrypts storage, backups and snapshots; it cannot be changed later. @default - the account's key `aws/rds` */
  readonly key?: IKey;
}

/**
 * One Aurora PostgreSQL cluster, behind a proxy where the profile has one, with the roles that functions sign in as.
 * Nobody signs in with a password but its master, and that only through the Data API.
 */
export class MetadataCluster extends Construct {
  readonly cluster: DatabaseCluster;
  readonly #proxy: DatabaseProxy | undefined;

  constructor(scope: Construct, id: string, { profile, network, key }: MetadataClusterProps) {
    super(scope, id);
    this.cluster = this.#createCluster(profile, network, key);
    this.#proxy = profile.metadata.proxy ? this.#createProxy(network) : undefined;
    const front = this.#proxy ?? this.cluster;
    front.connections.allowFrom(network.functionGroup, Port.tcp(5432), 'Functions that run SQL');
    this.#createUsers(profile);
  }

  /** Where functions connect to. */
  get address(): { host: string; port: string } {
    const { hostname, port } = this.cluster.clusterEndpoint;
    return { host: this.#proxy?.endpoint ?? hostname, port: String(port) };
  }

  /** Lets a function sign in as that user. */
  grantConnect(fn: TidemarkFunction, user: DatabaseUser): void {
    (this.#proxy ?? this.cluster).grantConnect(fn, user);
  }

  #createCluster({ metadata, ...profile }: Profile, network: NetworkStack, key?: IKey): DatabaseCluster {
    const cluster = new DatabaseCluster(this, 'Cluster', {
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

  get #masterSecret(): ISecret {
    if (!this.cluster.secret) throw new Error('The metadata cluster was made without a master secret.');
    return this.cluster.secret;
  }

  /** A proxy that signs in to the cluster with IAM as well, so that no password of a user exists anywhere. */
  #createProxy(network: NetworkStack): DatabaseProxy {
    const role = new Role(this, 'ProxyRole', { assumedBy: new ServicePrincipal('rds.amazonaws.com') });
    const users: DatabaseUser[] = ['tidemark_app', 'tidemark_migrate'];
    for (const user of users) this.cluster.grantConnect(role, user);
    return new DatabaseProxy(this, 'Proxy', {
      proxyTarget: ProxyTarget.fromCluster(this.cluster),
      defaultAuthScheme: DefaultAuthScheme.IAM_AUTH,
      role,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [
        new SecurityGroup(this, 'ProxySecurityGroup', { vpc: network.vpc, description: 'Metadata proxy' }),
      ],
      requireTLS: true,
    });
  }

  #createUsers(profile: Profile): void {
    const { clusterArn } = this.cluster;
    const databaseLogin = new TidemarkFunction(this, 'DatabaseLogin', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(120),
      environment: {
        CLUSTER_ARN: clusterArn,
        CLUSTER_SECRET: this.#masterSecret.secretArn,
        DATABASE_NAME: databaseName,
      },
    });
    // grantDataApiAccess would add transactions and batches, which no statement of it needs.
    databaseLogin.addToRolePolicy(
      new PolicyStatement({ actions: ['rds-data:ExecuteStatement'], resources: [clusterArn] }),
    );
    this.#masterSecret.grantRead(databaseLogin);

    const users = new CustomResource(this, 'Users', {
      serviceToken: databaseLogin.functionArn,
      resourceType: 'Custom::DatabaseUsers',
      serviceTimeout: Duration.minutes(5),
    });
    users.node.addDependency(this.cluster, databaseLogin);
  }
}
