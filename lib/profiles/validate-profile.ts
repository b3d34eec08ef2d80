import { isExpress, type MetadataProfile, type Profile, type StreamProfile } from './profile.ts';

/** Smallest and largest Aurora Serverless v2 capacity, in steps of one half. */
const CAPACITY = { least: 0, most: 256, step: 0.5 };
/** Minutes. */
const PAUSE = { least: 5, most: 24 * 60 };
/** Days. */
const BACKUP = { least: 1, most: 35 };
/** What AWS gives an account, and raises by itself with the rate that one asks for: nobody can order more of it. */
const MOST_AT_ONCE = 5000;
/** Each takes 155 bytes of the variables that Lambda gives a function, of which 4 KiB are taken. */
const CLUSTERS = { least: 1, most: 24 };

/**
 * The profile itself, when it could be deployed: what AWS refuses only after half an hour of building, or accepts and
 * never does as meant, fails at synthesis.
 * @throws Error with every wrong value and its remedy
 */
export function validated(name: string, profile: Profile): Profile {
  const problems = [...placement(profile), ...metadata(profile.metadata), ...stream(profile), ...limits(profile)];
  if (problems.length > 0) throw new Error(`The profile ${name} cannot be deployed:\n  ${problems.join('\n  ')}`);
  return profile;
}

function placement({ zones, endpointZones }: Profile): string[] {
  const problems: string[] = [];
  if (zones < 2 || zones > 3) {
    problems.push(`zones is ${zones}: Aurora and MSK need at least 2, and MSK takes at most 3.`);
  }
  if (endpointZones < 1 || endpointZones > zones) {
    problems.push(`endpointZones is ${endpointZones}: use 1 to ${zones}, the zones of the VPC.`);
  }
  return problems;
}

function metadata(profile: MetadataProfile): string[] {
  const { clusters, minCapacity, maxCapacity, pauseAfter, proxy, readers, backupRetention, outboxCheck } = profile;
  const problems: string[] = [];
  if (!Number.isInteger(clusters) || clusters < CLUSTERS.least || clusters > CLUSTERS.most) {
    problems.push(`metadata.clusters is ${clusters}: use a whole number from ${CLUSTERS.least} to ${CLUSTERS.most}.`);
  }
  for (const capacity of [minCapacity, maxCapacity]) {
    if (capacity < CAPACITY.least || capacity > CAPACITY.most || !Number.isInteger(capacity / CAPACITY.step)) {
      problems.push(`metadata: ${capacity} capacity units: use ${CAPACITY.least} to ${CAPACITY.most} in halves.`);
    }
  }
  if (maxCapacity < Math.max(minCapacity, 1)) {
    problems.push(`metadata.maxCapacity is ${maxCapacity}: use at least 1, and at least minCapacity (${minCapacity}).`);
  }
  if ((minCapacity === 0) !== (pauseAfter !== undefined)) {
    problems.push(
      'metadata: pauseAfter belongs to minCapacity 0, which is what lets a cluster pause. Give both or none.',
    );
  }
  if (proxy && minCapacity === 0) {
    problems.push('metadata.proxy with minCapacity 0: a proxy keeps connections open, so the cluster never pauses.');
  }
  if (pauseAfter) {
    const minutes = pauseAfter.toMinutes();
    if (minutes < PAUSE.least || minutes > PAUSE.most) {
      problems.push(`metadata.pauseAfter is ${minutes} min: Aurora takes ${PAUSE.least} to ${PAUSE.most}.`);
    }
    if (outboxCheck.toMinutes() <= minutes) {
      problems.push(
        `metadata.outboxCheck is ${outboxCheck.toMinutes()} min and pauseAfter ${minutes} min: it would never pause.`,
      );
    }
  }
  if (readers < 0 || readers > 15) problems.push(`metadata.readers is ${readers}: a cluster has 0 to 15.`);
  const days = backupRetention.toDays();
  if (days < BACKUP.least || days > BACKUP.most) {
    problems.push(`metadata.backupRetention is ${days} days: Aurora takes ${BACKUP.least} to ${BACKUP.most}.`);
  }
  return problems;
}

function stream({ zones, stream }: Profile): string[] {
  const { brokers, replicationFactor, pollers } = stream;
  const problems: string[] = [];
  if (brokers % zones !== 0) {
    problems.push(`stream.brokers is ${brokers}: MSK takes a multiple of the zones (${zones}).`);
  }
  if (replicationFactor > brokers) {
    problems.push(`stream.replicationFactor is ${replicationFactor}: there are ${brokers} brokers to hold copies.`);
  }
  if (pollers && (pollers.minimum < 1 || pollers.minimum > pollers.maximum)) {
    problems.push(`stream.pollers ${pollers.minimum} to ${pollers.maximum}: use at least 1, and no more than maximum.`);
  }
  return [...problems, ...(isExpress(stream) ? express(stream, zones) : standard(stream))];
}

function express({ kafkaVersion, replicationFactor, storage }: StreamProfile, zones: number): string[] {
  const problems: string[] = [];
  if (zones !== 3) problems.push(`zones is ${zones}: Express brokers need 3.`);
  if (replicationFactor !== 3) {
    problems.push(`stream.replicationFactor is ${replicationFactor}: Express brokers always keep 3 copies.`);
  }
  if (storage) problems.push('stream.storage: Express brokers have no disk to size. Leave it out.');
  if (!kafkaVersion.endsWith('.kraft')) {
    problems.push(`stream.kafkaVersion is ${kafkaVersion}: Express brokers run ${kafkaVersion}.kraft only.`);
  }
  return problems;
}

function standard({ storage }: StreamProfile): string[] {
  return storage ? [] : ['stream.storage is missing: a standard broker needs a disk, for example Size.gibibytes(10).'];
}

function limits({ throttle, uploads, downloads }: Profile): string[] {
  const problems = Object.entries(throttle)
    .filter(([, value]) => value < 1)
    .map(([key, value]) => `throttle.${key} is ${value}: the API would answer 429 to everything.`);
  for (const key of ['burst', 'socketBurst'] as const) {
    if (throttle[key] > MOST_AT_ONCE) {
      problems.push(`throttle.${key} is ${throttle[key]}: an account has ${MOST_AT_ONCE} at once, use no more.`);
    }
  }
  for (const [key, concurrency] of Object.entries({ uploads, downloads })) {
    if (concurrency?.provisioned && concurrency.provisioned > concurrency.reserved) {
      problems.push(
        `${key}.provisioned is ${concurrency.provisioned}: use no more than reserved (${concurrency.reserved}).`,
      );
    }
  }
  return problems;
}
