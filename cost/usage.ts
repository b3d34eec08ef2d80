import { type Line, line, total } from './floor.ts';
import { FREE_USERS, prices } from './prices.ts';

/** What one person does; the options of `npm run cost` change it. */
export interface Usage {
  readonly users: number;
  /** Saved files of a user on a working day. */
  readonly syncsPerDay: number;
  /** Stored GB of a user, after blocks that are stored once. */
  readonly gigabytes: number;
  /** Devices that are on day and night, apart from those of the users. */
  readonly alwaysOn: number;
}

export const usual: Omit<Usage, 'users'> = { syncsPerDay: 100, gigabytes: 10, alwaysOn: 2 };

const WORKING_DAYS = 22;
const DEVICES = 2;
/** Hours a day for which a device has its socket open. */
const HOURS_ONLINE = 8;
/** A device asks its socket for a sign of life so often at rest, and for a minute after each change. */
export const PINGS_AN_HOUR = 3600 / 45;
const PINGS_A_BUSY_MINUTE = 60 / 6;
/** Milliseconds and MB of memory of the function that answers one. */
const PING = { ms: 8, mb: 128 };
/** MB that a sync downloads on the other device: most are edits of small files. */
const MB_PER_SYNC = 1;

interface Call {
  readonly ms: number;
  /** Of memory. */
  readonly mb: number;
}

/** What every saved file costs on its way to another device; batches of many files cost less. */
const always: Readonly<Record<string, Call>> = {
  Relay: { ms: 60, mb: 256 },
  Notify: { ms: 25, mb: 1024 },
  Gc: { ms: 20, mb: 512 },
};
/** One whose content travels with the call, and with the push. */
const small: Readonly<Record<string, Call>> = { ...always, Save: { ms: 60, mb: 1024 } };
/** One whose content is in the store. */
const large: Readonly<Record<string, Call>> = {
  ...always,
  Changes: { ms: 30, mb: 512 },
  Download: { ms: 60, mb: 256 },
  Locate: { ms: 40, mb: 512 },
  UploadInit: { ms: 40, mb: 512 },
  DeltaApply: { ms: 120, mb: 1769 },
  Finalize: { ms: 60, mb: 1024 },
};
/** How many of the saved files are small: notes, sources, settings. */
const SMALL_SHARE = 0.8;
/** Lambda traces one invocation a second, and of the rest this share. */
const SAMPLED = 0.05;

/** What small and large files take, each by its share. */
function mixed(ofSmall: number, ofLarge: number): number {
  return SMALL_SHARE * ofSmall + (1 - SMALL_SHARE) * ofLarge;
}

/** GB-seconds of these calls, one of each. */
export function gbSecondsOf(calls: Readonly<Record<string, Call>>): number {
  return total(Object.values(calls).map(({ ms, mb }) => (ms / 1000) * (mb / 1024)));
}

/** US dollars of 1,000 syncs, beside what stays when there are none. */
export function perThousandSyncs(): Line[] {
  const gbSeconds = mixed(gbSecondsOf(small), gbSecondsOf(large));
  const invocations = mixed(Object.keys(small).length, Object.keys(large).length);
  const http = mixed(1, 5);
  const inStore = 1 - SMALL_SHARE;
  const thousand = 1000;
  return [
    line('HTTP API', `${http.toFixed(1)} calls each`, (http * thousand * prices.httpMillion) / 1e6),
    line(
      'Lambda',
      `${invocations.toFixed(1)} invocations, ${gbSeconds.toFixed(2)} GB-s each`,
      (invocations * thousand * prices.lambdaMillion) / 1e6 + gbSeconds * thousand * prices.lambdaGbSecond,
    ),
    line(
      'S3',
      `two reads and a write each of ${Math.round(100 * inStore)} %, which are not small`,
      inStore * (prices.s3ThousandPuts + 2 * prices.s3ThousandGets),
    ),
    line('WebSocket', 'one message each', (thousand * prices.socketMillion) / 1e6),
    line('DynamoDB', 'one query each', (thousand * prices.dynamoMillionReads) / 1e6),
    line('Aurora', '40 reads and writes each', (40 * thousand * prices.databaseMillionRequests) / 1e6),
    line('X-Ray', '5 % of the invocations', (invocations * thousand * SAMPLED * prices.traceMillion) / 1e6),
    line('logs', '5 kB each', (5 * thousand * prices.logGb) / 1e6),
  ];
}

/** What people add to the floor in a month. */
export function usageLines({ users, syncsPerDay, gigabytes }: Usage): Line[] {
  const syncs = users * syncsPerDay * WORKING_DAYS;
  const thousand = total(perThousandSyncs().map(({ dollars }) => dollars));
  const minutes = users * DEVICES * HOURS_ONLINE * 60 * WORKING_DAYS;
  const downloaded = (syncs * MB_PER_SYNC) / 1024;
  const beyondFree = Math.max(0, downloaded - 1024);
  return [
    line('syncs', `${syncs.toLocaleString('en-US')}`, (syncs / 1000) * thousand),
    line(
      'open sockets',
      `${DEVICES * users} devices, ${HOURS_ONLINE} h a day`,
      (minutes * prices.socketMillionMinutes) / 1e6,
    ),
    pingLine(
      DEVICES * users * HOURS_ONLINE * WORKING_DAYS * PINGS_AN_HOUR +
        DEVICES * syncs * (PINGS_A_BUSY_MINUTE - PINGS_AN_HOUR / 60),
    ),
    line(
      'Cognito',
      `${users.toLocaleString('en-US')} users, of which ${FREE_USERS.toLocaleString('en-US')} are free`,
      Math.max(0, users - FREE_USERS) * prices.activeUser,
    ),
    line('storage', `${(users * gigabytes).toLocaleString('en-US')} GB`, users * gigabytes * prices.s3GbMonth),
    line('CDN', `${downloaded.toFixed(0)} GB, of which 1,024 are free`, beyondFree * prices.cdnGb),
  ];
}

/** A ping is a message, its answer another, and between both is a call of a function that reads half a unit. */
export function pingLine(pings: number): Line {
  const requests = 2 * prices.socketMillion + prices.lambdaMillion + prices.dynamoMillionReads / 2;
  const each = requests / 1e6 + gbSecondsOf({ PING }) * prices.lambdaGbSecond;
  return line('pings', Math.round(pings).toLocaleString('en-US'), pings * each);
}

/** Capacity of a database that pauses when nobody is online, in a month in which somebody always is for ten hours a day. */
export function awakeDatabase(instances: number): Line {
  const hours = 10 * WORKING_DAYS;
  return line(
    'Aurora, awake',
    `${instances} instances at 1 unit, 10 h a day`,
    instances * hours * prices.capacityUnitHour,
  );
}
