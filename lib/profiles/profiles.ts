/* The deployment profiles: all sizes and what a deletion keeps. `-c profile=` chooses one. */

import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Profile, StreamProfile } from './profile.ts';
import { validated } from './validate-profile.ts';

// Losing one of two brokers can lose the newest records (min.insync.replicas is 1): the outbox and the
// change sequence in PostgreSQL are the truth, so a lost event delays a push and loses no file.
const smallStream: StreamProfile = {
  instanceType: 'kafka.t3.small',
  kafkaVersion: '3.9.x',
  brokers: 2,
  storage: Size.gibibytes(10),
  replicationFactor: 2,
};

/** Five minutes are Aurora's shortest: an hourly run of gc and relay costs no more than it has to. */
const pausing = { minCapacity: 0, pauseAfter: Duration.minutes(5), outboxCheck: Duration.hours(1), proxy: false };

const team: Profile = {
  zones: 2,
  endpointZones: 2,
  // A first deployment that fails leaves nothing behind that costs money or is in the way of the second.
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  logLevel: 'INFO',
  logRetention: RetentionDays.ONE_MONTH,
  quota: Size.gibibytes(100),
  // Colleagues, who share files anyway. docs/profiles.md says what it tells them of each other.
  dedupScope: 'all',
  priceClass: PriceClass.PRICE_CLASS_100,
  originShield: false,
  // Far above what a team does, even when all devices sync for the first time; a client that runs wild stays cheap.
  throttle: { rate: 500, burst: 1000, socketRate: 100, socketBurst: 200 },
  metadata: { ...pausing, clusters: 1, maxCapacity: 8, readers: 1, backupRetention: Duration.days(7) },
  stream: smallStream,
};

const profiles = {
  /** For trying it out: the cheapest parts, a database that pauses, nothing kept. */
  dev: {
    ...team,
    endpointZones: 1,
    removalPolicy: RemovalPolicy.DESTROY,
    logLevel: 'DEBUG',
    logRetention: RetentionDays.ONE_WEEK,
    quota: Size.gibibytes(10),
    throttle: { rate: 100, burst: 200, socketRate: 20, socketBurst: 40 },
    metadata: { ...pausing, clusters: 1, maxCapacity: 2, readers: 0, backupRetention: Duration.days(1) },
  },
  /** For a team: two zones, everything kept, a database that pauses while nobody is online. */
  team,
  /** For the public, 25,000 requests a second: three zones, Express brokers, four clusters with standbys, warm paths. */
  internet: {
    ...team,
    zones: 3,
    endpointZones: 3,
    logRetention: RetentionDays.THREE_MONTHS,
    quota: Size.gibibytes(50),
    // Strangers share it: nobody is to learn what others have.
    dedupScope: 'user',
    priceClass: PriceClass.PRICE_CLASS_ALL,
    originShield: true,
    throttle: { rate: 25_000, burst: 5000, socketRate: 5000, socketBurst: 5000 },
    uploads: { reserved: 400, provisioned: 20 },
    downloads: { reserved: 400, provisioned: 20 },
    relays: 64,
    metadata: {
      clusters: 4,
      minCapacity: 8,
      maxCapacity: 192,
      readers: 1,
      proxy: true,
      backupRetention: Duration.days(35),
      outboxCheck: Duration.minutes(1),
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
 * @param clusters how many database clusters it has instead of its own number: value of the context key `clusters`
 * @throws Error that lists the valid names, or what of the profile could not be deployed
 */
export function profileNamed(name: unknown, clusters?: unknown): Profile {
  const profile = Object.entries(profiles).find(([key]) => key === name)?.[1];
  if (!profile) {
    throw new Error(`There is no profile ${JSON.stringify(name)}: it is one of ${profileNames.join(', ')}.`);
  }
  return validated(String(name), clusters === undefined ? profile : withClusters(profile, Number(clusters)));
}

function withClusters(profile: Profile, clusters: number): Profile {
  return { ...profile, metadata: { ...profile.metadata, clusters } };
}
