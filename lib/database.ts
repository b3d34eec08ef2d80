import { Stack } from 'aws-cdk-lib';
import { Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
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
import type { TidemarkFunction } from './function.ts';
import type { NetworkStack } from './network-stack.ts';
import type { Profile } from './profiles.ts';

/** PostgreSQL roles that sign in with an IAM token: one for requests, one that may change the schema. */
type DatabaseUser = 'tidemark_app' | 'tidemark_migrate';

const databaseName = 'tidemark';

/** Shards of users, spread over clusters as {@link Database.connect} says. */
const lastShard = 63;

interface DatabaseProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
}

/** Aurora PostgreSQL, behind a proxy where the profile has one. Nobody signs in with a password but its master. */
export class Database extends Construct {
  readonly name = databaseName;
  readonly cluster: DatabaseCluster;
  readonly masterSecret: ISecret;
  readonly #proxy: DatabaseProxy | undefined;

  constructor(scope: Construct, id: string, { profile, network }: DatabaseProps) {
    super(scope, id);
    const { metadata } = profile;

    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Metadata cluster',
    });
    this.cluster = new DatabaseCluster(this, 'Cluster', {
      engine: DatabaseClusterEngine.auroraPostgres({ version: AuroraPostgresEngineVersion.VER_17_9 }),
      credentials: Credentials.fromGeneratedSecret('tidemark_master'),
      defaultDatabaseName: databaseName,
      vpc: network.vpc,
      vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
      securityGroups: [securityGroup],
      serverlessV2MinCapacity: metadata.minCapacity,
      serverlessV2MaxCapacity: metadata.maxCapacity,
      writer: ClusterInstance.serverlessV2('Writer'),
      readers: Array.from({ length: metadata.readers }, (_, reader) =>
        ClusterInstance.serverlessV2(`Reader${reader + 1}`, { scaleWithWriter: true }),
      ),
      iamAuthentication: true,
      enableDataApi: true,
      storageEncrypted: true,
      backup: { retention: metadata.backupRetention },
      deletionProtection: profile.deletionProtection,
      removalPolicy: profile.removalPolicy,
    });
    if (!this.cluster.secret) throw new Error('The metadata cluster was made without a master secret.');
    this.masterSecret = this.cluster.secret;

    this.#proxy = metadata.proxy ? this.#createProxy(network) : undefined;
    const front = this.#proxy ?? this.cluster;
    front.connections.allowFrom(network.functionGroup, Port.tcp(5432), 'Functions that run SQL');
  }

  /** Lets a function sign in as that user and tells it where: the right to connect and the variables it needs. */
  connect(fn: TidemarkFunction, user: DatabaseUser): void {
    (this.#proxy ?? this.cluster).grantConnect(fn, user);
    const { hostname, port } = this.cluster.clusterEndpoint;
    fn.addEnvironment('DATABASE_NAME', databaseName);
    fn.addEnvironment('DATABASE_USER', user);
    fn.addEnvironment(
      'SHARD_MAP',
      Stack.of(fn).toJsonString({
        clusters: { a: { host: this.#proxy?.endpoint ?? hostname, port } },
        shards: { a: [[0, lastShard]] },
        blocks: 'a',
      }),
    );
    // Amazon's root certificates, part of the Lambda runtime: Node's own list lacks the one that signs RDS.
    fn.addEnvironment('NODE_EXTRA_CA_CERTS', '/var/runtime/ca-cert.pem');
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
}
