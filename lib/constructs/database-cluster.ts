import { ArnFormat, type CfnResource, Duration, type RemovalPolicy, Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnSecurityGroup, type ISecurityGroup, type IVpc, Port, SecurityGroup, SubnetType } from 'aws-cdk-lib/aws-ec2';
import { Grant, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  DatabaseCluster as AuroraCluster,
  AuroraPostgresEngineVersion,
  CfnDBClusterParameterGroup,
  CfnDBSubnetGroup,
  ClusterInstance,
  Credentials,
  DatabaseClusterEngine,
  DatabaseProxy,
  DefaultAuthScheme,
  ProxyTarget,
} from 'aws-cdk-lib/aws-rds';
import { CfnSecret, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { deploymentName } from '../profiles/deployment.ts';
import type { Profile } from '../profiles/profile.ts';
import { acknowledge } from './acknowledge.ts';
import type { TidemarkFunction } from './function.ts';
import { SharedValue } from './shared-value.ts';

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
  /** Encrypts storage, backups and snapshots; with another one CloudFormation would make a new cluster. */
  readonly key: IKey;
  readonly isProtected: boolean;
}

/** One Aurora cluster, behind a proxy where the profile has one. Only its master signs in with a password. */
export class DatabaseCluster extends Construct {
  readonly arn: string;
  readonly masterSecret: ISecret;
  readonly #cluster: AuroraCluster;
  readonly #proxy: DatabaseProxy | undefined;
  readonly #resourceId: SharedValue;
  readonly #host: SharedValue;
  readonly #port: SharedValue;

  constructor(scope: Construct, id: string, props: DatabaseClusterProps) {
    super(scope, id);
    const { profile, network } = props;
    this.#cluster = this.#createCluster(props);
    this.#keepWhatItNeeds(profile.removalPolicy);
    this.arn = this.#cluster.clusterArn;
    const share = (what: string, path: string, value: string): SharedValue =>
      new SharedValue(this, what, { path: `/${deploymentName(this)}/metadata/${id}/${path}`, value });
    this.#resourceId = share('ResourceId', 'resource-id', this.#cluster.clusterResourceIdentifier);
    if (!this.#cluster.secret) throw new Error('The metadata cluster was made without a master secret.');
    this.masterSecret = this.#cluster.secret;

    this.#proxy = profile.metadata.proxy ? this.#createProxy(network) : undefined;
    const { hostname, port } = this.#cluster.clusterEndpoint;
    this.#host = share('Host', 'host', this.#proxy?.endpoint ?? hostname);
    this.#port = share('Port', 'port', Tokenization.stringifyNumber(port));
    const front = this.#proxy ?? this.#cluster;
    front.connections.allowFrom(network.functionGroup, Port.tcp(5432), 'Functions that run SQL');
  }

  /** Where a function connects to. */
  addressFor(fn: TidemarkFunction): { readonly host: string; readonly port: number } {
    return { host: this.#host.in(fn), port: Token.asNumber(this.#port.in(fn)) };
  }

  /** What CloudWatch knows of the cluster under that name, over five minutes. */
  metric(name: string, statistic?: string): Metric {
    return this.#cluster.metric(name, { ...(statistic && { statistic }) });
  }

  grantConnect(fn: TidemarkFunction, user: DatabaseUser): void {
    if (this.#proxy) {
      this.#proxy.grantConnect(fn, user);
      return;
    }
    // Not CDK's grant, whose id is an export: a cluster that was restored has another.
    const resourceName = `${this.#resourceId.in(fn)}/${user}`;
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    const arn = Stack.of(fn).formatArn({ service: 'rds-db', resource: 'dbuser', resourceName, arnFormat });
    Grant.addToPrincipal({ grantee: fn, actions: ['rds-db:connect'], resourceArns: [arn] });
  }

  #createCluster({ profile, network, key, isProtected }: DatabaseClusterProps): AuroraCluster {
    const { metadata } = profile;
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
      storageEncryptionKey: key,
      backup: { retention: metadata.backupRetention },
      copyTagsToSnapshot: true,
      deletionProtection: isProtected,
      removalPolicy: profile.removalPolicy,
    });
    acknowledge(cluster, {
      'AwsSolutions-SMG4':
        'One function reads the password, at deployment, through the Data API; all others sign in with IAM tokens of 15 minutes.',
    });
    if (!isProtected) {
      acknowledge(cluster, {
        'AwsSolutions-RDS10': 'A first deployment that fails could not be rolled back: protected=true comes after it.',
      });
    }
    return cluster;
  }

  /** What a cluster that is kept refers to is kept with it; its instances are not, and cost nothing then. */
  #keepWhatItNeeds(policy: RemovalPolicy): void {
    const needed = [CfnDBSubnetGroup, CfnDBClusterParameterGroup, CfnSecurityGroup, CfnSecret];
    for (const one of this.node.findAll()) {
      if (needed.some((kind) => one instanceof kind)) (one as CfnResource).applyRemovalPolicy(policy);
    }
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
