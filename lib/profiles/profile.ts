import type { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** How one kind of deployment differs from another: size, price and what survives `cdk destroy`. */
export interface Profile {
  /** Availability zones of the VPC. The number of brokers has to be a multiple of it. */
  readonly zones: number;
  /** Zones that hold the interface endpoints. One serves the whole VPC, for half the price of two. */
  readonly endpointZones: number;
  /** What happens to buckets, database, user pool and logs when their stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  readonly logLevel: 'DEBUG' | 'INFO';
  readonly logRetention: RetentionDays;
  /** Space of a user who has no quota of his own. */
  readonly quota: Size;
  /** `all` stores a block once for everybody, `user` once per user. */
  readonly dedupScope: 'all' | 'user';
  readonly priceClass: PriceClass;
  /** A cache between all edges and the bucket, so that a popular block is read from S3 once. */
  readonly originShield: boolean;
  readonly throttle: ThrottleProfile;
  /** Concurrency of the functions that carry uploads. @default - they share the account's */
  readonly uploads?: ConcurrencyProfile;
  /** Concurrency of the functions that carry downloads. @default - they share the account's */
  readonly downloads?: ConcurrencyProfile;
  /** Relays at once, which only they may take, one for each shard that has events. @default - they share the account's */
  readonly relays?: number;
  readonly metadata: MetadataProfile;
  readonly stream: StreamProfile;
}

/** What an API lets through; more is answered 429. An account's own default is 10,000 a second, burst 5,000, for all. */
interface ThrottleProfile {
  /** HTTP requests per second. */
  readonly rate: number;
  /** HTTP requests at once. */
  readonly burst: number;
  /** WebSocket connects and messages per second. */
  readonly socketRate: number;
  readonly socketBurst: number;
}

/** Per function. */
export interface ConcurrencyProfile {
  /** Executions that no other function can take away, and the most it may have. */
  readonly reserved: number;
  /** Instances that are always warm. @default - none */
  readonly provisioned?: number;
}

export interface MetadataProfile {
  /**
   * Aurora clusters that a new service spreads its 64 shards over; the first also holds the global blocks. Later ones
   * start empty: shards are moved to them.
   */
  readonly clusters: number;
  /** Aurora capacity units (2 GiB each) of an instance. Zero lets a cluster pause, which a proxy would prevent. */
  readonly minCapacity: number;
  readonly maxCapacity: number;
  /** Time without a connection until a cluster pauses. @default - it never does */
  readonly pauseAfter?: Duration;
  readonly readers: number;
  readonly proxy: boolean;
  /** How far back the database can be restored to any second. */
  readonly backupRetention: Duration;
  /** How often the outbox is looked at for events whose wake-up was lost. Each look wakes a paused database. */
  readonly outboxCheck: Duration;
}

export interface StreamProfile {
  readonly instanceType: string;
  /** ZooKeeper versions carry no suffix; Express brokers exist with KRaft only. */
  readonly kafkaVersion: string;
  readonly brokers: number;
  /** Disk of each broker; Express brokers have none to size. */
  readonly storage?: Size;
  readonly replicationFactor: number;
  /** Provisioned event pollers of each consumer; without it Lambda polls on demand, through VPC endpoints. */
  readonly pollers?: { readonly minimum: number; readonly maximum: number };
}

/** Whether the brokers are Express ones, which MSK sizes, stores and replicates its own way. */
export function isExpress({ instanceType }: Pick<StreamProfile, 'instanceType'>): boolean {
  return instanceType.startsWith('express.');
}
