import { isExpress, type MetadataProfile, type Profile } from '../lib/profiles/profile.ts';
import { HOURS, prices } from './prices.ts';

/** A line of a monthly bill. */
export interface Line {
  readonly what: string;
  /** How it comes to that. */
  readonly because: string;
  /** US dollars a month. */
  readonly dollars: number;
}

/** Two signing keys of the CDN. */
const SIGNING_KEYS = 2;
/** Whoever wakes a cluster keeps it awake so long, until five minutes after the last connection has ended; gc and relay do every hour. */
export const AWAKE_MINUTES = 8;
/** The least that a cluster takes while it is awake, in capacity units. */
export const AWAKE_UNITS = 0.5;
const MB_PER_GB = 1024;

/** Memory in MB of the functions that a profile keeps warm; test/infra/cost.test.ts compares them with the templates. */
export const warmFunctions = {
  uploads: { UploadInit: 512, Save: 1024, Prove: 1024, DeltaApply: 1769, Finalize: 1024 },
  downloads: { Locate: 512, Download: 256 },
} as const;

/** Metrics that are read out of logs. */
export const figures = 10;

/** What alarms read: of every deployment, of each database cluster, and of each broker that has a disk and credits. */
const watched = { alarmMetrics: 31, ofCluster: 2, ofBroker: 2 } as const;

/** How many metrics the alarms of a profile read, each of which is charged. */
export function alarmMetricsOf({ metadata, stream }: Profile): number {
  const brokers = isExpress(stream) ? 0 : stream.brokers;
  return watched.alarmMetrics + watched.ofCluster * metadata.clusters + watched.ofBroker * brokers;
}

/** What a deployment costs in a month in which nobody uses it. */
export function floorOf(profile: Profile): Line[] {
  return [...streamLines(profile), ...databaseLines(profile.metadata), ...warmLines(profile), ...smallLines(profile)];
}

/** Interface endpoints that a profile has: of Lambda, and of STS for pollers on demand. */
export function endpointCount({ stream, endpointZones }: Profile): number {
  return (stream.pollers ? 1 : 2) * endpointZones;
}

function streamLines(profile: Profile): Line[] {
  const { instanceType, brokers, storage, pollers } = profile.stream;
  const hour = prices.broker[instanceType];
  if (hour === undefined) throw new Error(`cost/prices.ts has no price of a ${instanceType} broker: add it.`);
  const gb = (storage?.toGibibytes() ?? 0) * brokers;
  const endpoints = endpointCount(profile);
  const lines = [
    line('MSK brokers', `${brokers} × ${instanceType}`, brokers * hour * HOURS),
    line('MSK disks', `${gb} GB`, gb * prices.brokerDiskGbMonth),
    line('interface endpoints', `${endpoints}, counted by zone`, endpoints * prices.endpointHour * HOURS),
  ];
  if (!pollers) return lines;
  const units = 2 * Math.ceil(pollers.minimum / 10);
  return [...lines, line('event pollers', `${units} units, one per consumer`, units * prices.pollerUnitHour * HOURS)];
}

function databaseLines({ clusters, readers, minCapacity, proxy }: MetadataProfile): Line[] {
  const instances = clusters * (1 + readers);
  const units = instances * (minCapacity === 0 ? (AWAKE_UNITS * AWAKE_MINUTES) / 60 : minCapacity);
  const because =
    minCapacity === 0
      ? `${instances} instances, awake ${AWAKE_MINUTES} min of each idle hour at ${AWAKE_UNITS} units`
      : `${instances} instances of ${minCapacity} units`;
  const lines = [line('Aurora', because, units * prices.capacityUnitHour * HOURS)];
  if (!proxy) return lines;
  const charged = clusters * Math.max(8, (1 + readers) * minCapacity);
  return [...lines, line('RDS Proxy', `${charged} units`, charged * prices.proxyUnitHour * HOURS)];
}

function warmLines({ uploads, downloads }: Profile): Line[] {
  const kept = [
    [uploads?.provisioned ?? 0, warmFunctions.uploads],
    [downloads?.provisioned ?? 0, warmFunctions.downloads],
  ] as const;
  const gb = kept.reduce((sum, [count, functions]) => sum + (count * total(Object.values(functions))) / MB_PER_GB, 0);
  return gb === 0 ? [] : [line('warm functions', `${gb.toFixed(0)} GB`, gb * prices.lambdaWarmGbSecond * HOURS * 3600)];
}

function smallLines(profile: Profile): Line[] {
  const { metadata } = profile;
  const secrets = SIGNING_KEYS + metadata.clusters;
  const alarmMetrics = alarmMetricsOf(profile);
  return [
    line('secrets', `${secrets}`, secrets * prices.secretMonth),
    line('KMS key', '1', prices.keyMonth),
    line(
      'alarms and metrics',
      `${alarmMetrics} metrics of alarms, ${figures} own metrics`,
      alarmMetrics * prices.alarmMetricMonth + figures * prices.customMetricMonth,
    ),
  ];
}

/** What something costs, and why so much. */
export function line(what: string, because: string, dollars: number): Line {
  return { what, because, dollars };
}

export function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}
