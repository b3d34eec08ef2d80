import { maxConnections } from '../lib/profiles/aurora.ts';
import type { Profile } from '../lib/profiles/profile.ts';
import { warmFunctions } from './floor.ts';

/** What a new account has; all of them can be raised on request. */
const account = {
  /** Requests a second of all APIs in a region, the callbacks to sockets among them. */
  apiRate: 10_000,
  /** Executions at the same time of all functions in a region. */
  concurrency: 1000,
  /** New sockets a second. */
  socketConnects: 500,
} as const;

/** Seconds that a request keeps its function, on average. */
const SECONDS = 0.05;
/** Of those, seconds of a processor of the database; docs/capacity.md says how that was measured. */
const DATABASE_SECONDS = 0.0074;
/** Capacity units, of 2 GiB each, that come with a processor: memory-optimized instances have 8 GiB for each. */
const UNITS_PER_PROCESSOR = 4;
/** Connections of one running function to each cluster. */
const CONNECTIONS = 2;
/** Share of the connections that may be used before an alarm is raised. */
const ALARM_AT = 0.8;
/** Lambda keeps as many executions that no function may reserve. */
const UNRESERVED = 100;
/** Requests of which one commits: three downloads to a save. */
const REQUESTS_PER_COMMIT = 4;
/** Of the database, each with a relay of its own, and of the topic, each with one execution of a consumer at a time. */
const SHARDS = 64;
const PARTITIONS = 64;
/** Executions of notify and gc at once, for which none are reserved. */
const CONSUMERS = 2 * PARTITIONS;
/** What a relay takes in one turn, and seconds of it: three times what `npm run bench -- metadata` has without brokers. */
const TURN = { events: 500, seconds: 0.1 } as const;
/** Memory in MB with which Lambda gives a function one processor. */
const PROCESSOR_MB = 1769;
/** Seconds of a processor for an event that comes alone (docs/capacity.md), and the function's memory in MB. */
export const notify = { cpuSeconds: 0.003, mb: 1024 } as const;
/** IAM sign-ins a second that a broker takes. */
const brokerConnects: Readonly<Record<string, number>> = { 'kafka.t3.small': 4, 'express.m7g.large': 100 };

/** A bound of a deployment, in requests a second. */
export interface Bound {
  readonly what: string;
  readonly because: string;
  readonly perSecond: number;
  /** What has to be asked of AWS before the profile can do what it is made for. @default - nothing */
  readonly raise?: string;
}

/** Executions that a profile takes away from all other functions of the account. */
function reservedBy({ uploads, downloads, relays }: Profile): number {
  const count = (functions: object) => Object.keys(functions).length;
  const ofUploads = (uploads?.reserved ?? 0) * count(warmFunctions.uploads);
  return ofUploads + (downloads?.reserved ?? 0) * count(warmFunctions.downloads) + (relays ?? 0);
}

/** How many requests a second a profile holds, by each of its own limits and the account's; the least one counts. */
export function boundsOf(profile: Profile): Bound[] {
  const { throttle, metadata } = profile;
  const concurrency = Math.max(account.concurrency, reservedBy(profile) + CONSUMERS + UNRESERVED);
  const connections = Math.floor(maxConnections(metadata) * ALARM_AT);
  const processors = (metadata.clusters * metadata.maxCapacity) / UNITS_PER_PROCESSOR;
  return [
    {
      what: 'HTTP API',
      because: `throttle of the profile, burst ${throttle.burst.toLocaleString('en-US')}`,
      perSecond: throttle.rate,
      ...(throttle.rate > account.apiRate && {
        raise: `API Gateway throttle of the account: from ${account.apiRate.toLocaleString('en-US')} to ${throttle.rate.toLocaleString('en-US')} requests a second`,
      }),
    },
    {
      what: 'Lambda',
      because: `${concurrency.toLocaleString('en-US')} executions of ${SECONDS * 1000} ms`,
      perSecond: concurrency / SECONDS,
      ...(concurrency > account.concurrency && {
        raise: `Lambda concurrent executions: from ${account.concurrency.toLocaleString('en-US')} to ${concurrency.toLocaleString('en-US')}`,
      }),
    },
    metadata.proxy
      ? {
          what: 'database',
          because: `${connections} connections that a proxy shares, by each of ${metadata.clusters} clusters`,
          perSecond: (connections * metadata.clusters) / SECONDS,
        }
      : {
          what: 'database',
          because: `${connections} connections, ${CONNECTIONS} for each running function`,
          perSecond: connections / CONNECTIONS / SECONDS,
        },
    {
      what: 'database',
      because: `some ${processors} processors, ${DATABASE_SECONDS * 1000} ms of them for a request`,
      perSecond: processors / DATABASE_SECONDS,
    },
    ...followersOf(profile, concurrency),
  ].map((bound) => ({ ...bound, perSecond: Math.floor(bound.perSecond) }));
}

/** What follows commits: were it slower than they come, pushes would be later and later. */
function followersOf({ relays }: Profile, concurrency: number): Bound[] {
  const atWork = Math.min(SHARDS, relays ?? concurrency);
  const seconds = (notify.cpuSeconds * PROCESSOR_MB) / notify.mb;
  return [
    {
      what: 'relay',
      because: `${atWork} relays, one for each shard, ${TURN.events} events in ${TURN.seconds * 1000} ms, an event of ${REQUESTS_PER_COMMIT} requests`,
      perSecond: (REQUESTS_PER_COMMIT * atWork * TURN.events) / TURN.seconds,
    },
    {
      what: 'notify',
      because: `${PARTITIONS} partitions, ${(seconds * 1000).toFixed(1)} ms for an event that comes alone`,
      perSecond: (REQUESTS_PER_COMMIT * PARTITIONS) / seconds,
    },
  ];
}

/** What else of a profile is bounded, in words. */
export function otherBounds({ throttle, stream, relays }: Profile): string[] {
  const connects = brokerConnects[stream.instanceType];
  return [
    `${throttle.socketRate.toLocaleString('en-US')} socket messages and ${Math.min(account.socketConnects, throttle.socketRate)} new sockets a second (an account's own limit is ${account.socketConnects})`,
    `${(connects ?? 0) * stream.brokers} sign-ins a second to the brokers, of which each relay that starts needs one for each broker`,
    `${relays ?? 'the account’s'} relays at once: one for each of ${SHARDS} shards that has events, however many commits wake one`,
  ];
}
