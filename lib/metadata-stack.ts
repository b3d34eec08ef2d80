import { CustomResource, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import { migrationFiles } from './bundle.ts';
import { TidemarkFunction } from './function.ts';
import { type DatabaseUser, databaseName, MetadataCluster } from './metadata-cluster.ts';
import type { NetworkStack } from './network-stack.ts';
import type { Profile } from './profile.ts';

interface MetadataStackProps extends StackProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
}

const SHARDS = 64;

/** The metadata: clusters with their users, the shards that each holds, and the schema. */
export class MetadataStack extends Stack {
  readonly clusters: readonly MetadataCluster[];
  readonly #schema: CustomResource;

  constructor(scope: Construct, id: string, { profile, network, ...props }: MetadataStackProps) {
    super(scope, id, props);
    const key = profile.ownKey ? this.#createKey(profile) : undefined;
    this.clusters = Array.from(
      { length: profile.metadata.clusters },
      (_, index) => new MetadataCluster(this, `Cluster${letter(index)}`, { profile, network, ...(key && { key }) }),
    );
    this.#schema = this.#migrate(profile, network);
    this.#schema.node.addDependency(...this.clusters);
  }

  /** Lets a function run SQL. CloudFormation makes the function after the migrations of the same deployment. */
  connect(fn: TidemarkFunction): void {
    this.#connect(fn, 'tidemark_app');
    fn.node.addDependency(this.#schema);
  }

  /** The right to sign in to every cluster, and the variables that say where and as whom. */
  #connect(fn: TidemarkFunction, user: DatabaseUser): void {
    for (const cluster of this.clusters) cluster.grantConnect(fn, user);
    fn.addEnvironment('DATABASE_NAME', databaseName);
    fn.addEnvironment('DATABASE_USER', user);
    fn.addEnvironment('SHARD_MAP', Stack.of(fn).toJsonString(this.#shardMap()));
    // Amazon's root certificates, part of the Lambda runtime: Node's own list lacks the one that signs RDS.
    fn.addEnvironment('NODE_EXTRA_CA_CERTS', '/var/runtime/ca-cert.pem');
  }

  /** Which cluster holds which shards, in inclusive ranges, and which one the global blocks. */
  #shardMap() {
    const names = this.clusters.map((_, index) => letter(index).toLowerCase());
    const share = SHARDS / this.clusters.length;
    return {
      clusters: Object.fromEntries(names.map((name, index) => [name, this.clusters[index]?.address])),
      shards: Object.fromEntries(names.map((name, index) => [name, [[index * share, (index + 1) * share - 1]]])),
      blocks: names[0],
    };
  }

  #createKey({ removalPolicy }: Profile): Key {
    return new Key(this, 'Key', {
      description: 'Tidemark metadata: storage, backups and snapshots',
      enableKeyRotation: true,
      removalPolicy,
    });
  }

  #migrate(profile: Profile, network: NetworkStack): CustomResource {
    const { path, hash } = migrationFiles();
    const migrate = new TidemarkFunction(this, 'Migrate', {
      profile,
      memorySize: 512,
      timeout: Duration.seconds(840),
      placement: network.inside,
      files: [path],
    });
    this.#connect(migrate, 'tidemark_migrate');

    const schema = new CustomResource(this, 'Schema', {
      serviceToken: migrate.functionArn,
      resourceType: 'Custom::DatabaseSchema',
      serviceTimeout: Duration.minutes(15),
      properties: { SqlHash: hash },
    });
    schema.node.addDependency(migrate);
    return schema;
  }
}

function letter(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}
