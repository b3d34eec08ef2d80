import { Stack } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { DatabaseCluster, type DatabaseClusterProps, type DatabaseUser, databaseName } from './database-cluster.ts';
import type { TidemarkFunction } from './function.ts';

const shards = 64;

/** The metadata: shards of users, spread over one or more clusters, and the blocks on the first of them. */
export class Database extends Construct {
  readonly name = databaseName;
  readonly clusters: readonly DatabaseCluster[];

  constructor(scope: Construct, id: string, props: DatabaseClusterProps) {
    super(scope, id);
    this.clusters = Array.from(
      { length: props.profile.metadata.clusters },
      (_, index) => new DatabaseCluster(this, `Cluster${clusterName(index).toUpperCase()}`, props),
    );
  }

  /** Lets a function sign in as that user and tells it where: the right to connect and the variables it needs. */
  connect(fn: TidemarkFunction, user: DatabaseUser): void {
    for (const cluster of this.clusters) cluster.grantConnect(fn, user);
    fn.addEnvironment('DATABASE_NAME', databaseName);
    fn.addEnvironment('DATABASE_USER', user);
    fn.addEnvironment('SHARD_MAP', Stack.of(fn).toJsonString(this.#shardMap(fn)));
    // Amazon's root certificates, part of the Lambda runtime: Node's own list lacks the one that signs RDS.
    fn.addEnvironment('NODE_EXTRA_CA_CERTS', '/var/runtime/ca-cert.pem');
  }

  /** Where the clusters are, and which shards each gets in a new service; `tidemark-admin` moves them later. */
  #shardMap(fn: TidemarkFunction): object {
    const named = this.clusters.map((cluster, index) => [clusterName(index), cluster] as const);
    const first = (index: number): number => Math.ceil((index * shards) / this.clusters.length);
    return {
      clusters: Object.fromEntries(named.map(([name, cluster]) => [name, cluster.addressFor(fn)])),
      shards: Object.fromEntries(named.map(([name], index) => [name, [[first(index), first(index + 1) - 1]]])),
      blocks: clusterName(0),
    };
  }
}

function clusterName(index: number): string {
  return String.fromCharCode('a'.charCodeAt(0) + index);
}
