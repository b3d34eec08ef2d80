import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';

/** How one kind of deployment differs from another: size, price and what survives `cdk destroy`. */
export interface Profile {
  /** Availability zones of the VPC. The number of brokers has to be a multiple of it. */
  readonly zones: number;
  /** Zones that hold the interface endpoints. One serves the whole VPC, for half the price of two. */
  readonly endpointZones: number;
  /** What happens to bucket, database, user pool and topic when their stack is deleted. */
  readonly removalPolicy: RemovalPolicy;
  readonly deletionProtection: boolean;
  readonly logLevel: 'DEBUG' | 'INFO';
  readonly logRetention: RetentionDays;
  /** Space of a user who has no quota of his own. */
  readonly quota: Size;
  /** `all` stores a block once for everybody, `user` once per user. */
  readonly dedupScope: 'all' | 'user';
  readonly priceClass: PriceClass;
  readonly metadata: MetadataProfile;
  readonly stream: StreamProfile;
}

interface MetadataProfile {
  /** Clusters that a new service spreads its shards over. Later ones start empty: shards are moved to them. */
  readonly clusters: number;
  /** Aurora capacity units. Zero lets the cluster pause, which a proxy would prevent. */
  readonly minCapacity: number;
  readonly maxCapacity: number;
  readonly readers: number;
  readonly proxy: boolean;
  readonly backupRetention: Duration;
}

interface StreamProfile {
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

// Losing one of two brokers can lose the newest records (min.insync.replicas is 1): the outbox and the
// change sequence in PostgreSQL are the truth, so a lost event delays a push and loses no file.
const smallStream: StreamProfile = {
  instanceType: 'kafka.t3.small',
  kafkaVersion: '3.9.x',
  brokers: 2,
  storage: Size.gibibytes(10),
  replicationFactor: 2,
};

const team: Profile = {
  zones: 2,
  endpointZones: 1,
  removalPolicy: RemovalPolicy.RETAIN,
  deletionProtection: true,
  logLevel: 'INFO',
  logRetention: RetentionDays.ONE_MONTH,
  quota: Size.gibibytes(100),
  dedupScope: 'all',
  priceClass: PriceClass.PRICE_CLASS_100,
  metadata: {
    clusters: 1,
    minCapacity: 0.5,
    maxCapacity: 8,
    readers: 0,
    proxy: true,
    backupRetention: Duration.days(7),
  },
  stream: smallStream,
};

const profiles = {
  /** For trying it out: the cheapest parts, a database that pauses, nothing kept. */
  dev: {
    ...team,
    removalPolicy: RemovalPolicy.DESTROY,
    deletionProtection: false,
    logLevel: 'DEBUG',
    logRetention: RetentionDays.ONE_WEEK,
    quota: Size.gibibytes(10),
    metadata: {
      clusters: 1,
      minCapacity: 0,
      maxCapacity: 2,
      readers: 0,
      proxy: false,
      backupRetention: Duration.days(1),
    },
  },
  /** For a team: pooled connections and a database that stays awake, everything kept. */
  team,
  /** For the public: three zones, Express brokers, a standby database, capacity that stays warm. */
  internet: {
    ...team,
    zones: 3,
    endpointZones: 3,
    logRetention: RetentionDays.THREE_MONTHS,
    quota: Size.gibibytes(50),
    priceClass: PriceClass.PRICE_CLASS_ALL,
    metadata: {
      clusters: 4,
      minCapacity: 2,
      maxCapacity: 128,
      readers: 1,
      proxy: true,
      backupRetention: Duration.days(35),
    },
    stream: {
      instanceType: 'express.m7g.large',
      kafkaVersion: '3.9.x.kraft',
      brokers: 3,
      replicationFactor: 3,
      pollers: { minimum: 2, maximum: 16 },
    },
  },
} satisfies Record<string, Profile>;

/** Names of the profiles, for messages and tests. */
export const profileNames = Object.keys(profiles);

/**
 * The profile of that name.
 * @param name value of the context key `profile`
 * @throws Error that lists the valid names
 */
export function profileNamed(name: unknown): Profile {
  const profile = Object.entries(profiles).find(([key]) => key === name)?.[1];
  if (!profile) {
    throw new Error(`There is no profile ${JSON.stringify(name)}. Use --context profile=${profileNames.join('|')}.`);
  }
  return profile;
}

/** They are named by letters. */
const maxClusters = 26;

/**
 * The profile with another number of clusters.
 * @param clusters value of the context key `clusters`, which comes as text from a command line
 * @throws Error unless it is a number that the shards can be spread over
 */
export function withClusters(profile: Profile, clusters: unknown): Profile {
  const count = Number(clusters);
  if (!Number.isInteger(count) || count < 1 || count > maxClusters) {
    throw new Error(
      `${JSON.stringify(clusters)} is no number of clusters. Use --context clusters=N, with N from 1 to ${maxClusters}.`,
    );
  }
  return { ...profile, metadata: { ...profile.metadata, clusters: count } };
}
