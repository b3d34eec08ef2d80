import { limits } from '../protocol/limits.ts';
import { type Line, line, total } from './floor.ts';
import { prices } from './prices.ts';

const FILE_BYTES = 1024 ** 3;
const BLOCKS = FILE_BYTES / limits.blockBytes;
/** Over 100 Mbit/s a block takes longer than the device waits until it tells again what it has sent; the other asks for each. */
const TELLS = BLOCKS;
/** In from the device, out to the other one, and the answer. */
const MESSAGES_OF_TELL = 3;
/** Of a block: itself, its pin, its holding, and that a version counts it. */
const ROWS_OF_BLOCK = 4;
const GB = 1e9;
/** What Aurora counts as a write. */
const WRITE_BYTES = 4096;

/** How often a function is called, for how many milliseconds, with how many MB of memory. */
type Calls = Readonly<Record<string, readonly [times: number, ms: number, mb: number]>>;

const afterCommit: Calls = { Relay: [1, 60, 256], Notify: [1, 25, 1024], Gc: [1, 20, 512], Changes: [1, 30, 512] };
const first: Calls = {
  ...afterCommit,
  UploadInit: [1, 150, 512],
  Finalize: [1, 500, 1024],
  SocketMessage: [TELLS, 30, 128],
  Download: [TELLS, 60, 256],
  Locate: [TELLS, 80, 512],
};
const edit: Calls = {
  ...afterCommit,
  UploadInit: [1, 60, 512],
  DeltaApply: [1, 120, 1769],
  Finalize: [1, 60, 1024],
  Download: [1, 60, 256],
  Locate: [1, 40, 512],
};

/** MB of memory of the functions that are called. */
export const memory = Object.entries({ ...first, ...edit }).map(([name, [, , mb]]) => ({ name, mb }));

/** US dollars of bringing a file of 1 GiB to another device while it is sent, and of keeping it for a month. */
export function firstLargeFile(): Line[] {
  return [
    line('HTTP API', `${TELLS + 3} calls`, ((TELLS + 3) * prices.httpMillion) / 1e6),
    lambda(first, 1),
    line(
      'WebSocket',
      `${MESSAGES_OF_TELL} messages for each of ${TELLS} blocks`,
      (MESSAGES_OF_TELL * TELLS * prices.socketMillion) / 1e6,
    ),
    line(
      'S3 requests',
      `a PUT, a HEAD and a GET for each of ${BLOCKS} blocks`,
      (BLOCKS * (prices.s3ThousandPuts + 2 * prices.s3ThousandGets)) / 1000,
    ),
    line(
      'Aurora',
      `${ROWS_OF_BLOCK} rows written for each block`,
      (ROWS_OF_BLOCK * BLOCKS * prices.databaseMillionRequests) / 1e6,
    ),
    line('CDN', `${(FILE_BYTES / GB).toFixed(1)} GB, where none are free`, (FILE_BYTES / GB) * prices.cdnGb),
    line('a month of content', `${(FILE_BYTES / GB).toFixed(1)} GB`, (FILE_BYTES / GB) * prices.s3GbMonth),
  ];
}

/** Edits that `largeFileEdits` is about, each of one block. */
export const EDITS = 1000;

/** US dollars of edits in such files, which come to the other device as kept deltas, and of keeping their blocks for a month. */
export function largeFileEdits(): Line[] {
  const deltaBytes = EDITS * limits.keptDeltaBytes;
  const content = (EDITS * limits.blockBytes) / GB;
  return [
    line('HTTP API', '5 calls each', (5 * EDITS * prices.httpMillion) / 1e6),
    lambda(edit, EDITS),
    line(
      'S3 requests',
      'a GET of the old block and a PUT of the new one',
      (EDITS * (prices.s3ThousandPuts + prices.s3ThousandGets)) / 1000,
    ),
    line('Aurora', '90 reads and writes each', (90 * EDITS * prices.databaseMillionRequests) / 1e6),
    line(
      'kept deltas',
      `${limits.keptDeltaBytes / 1024} KiB each at most, written and kept for ${limits.deltaDays} days`,
      ((deltaBytes / GB) * prices.databaseGbMonth * limits.deltaDays) / 30 +
        ((deltaBytes / WRITE_BYTES) * prices.databaseMillionRequests) / 1e6,
    ),
    line('a month of content', `${content.toFixed(1)} GB`, content * prices.s3GbMonth),
  ];
}

/** What these edits would cost more if the other device fetched their blocks. */
export function editsFetchedWhole(): number {
  const gigabytes = (EDITS * limits.blockBytes) / GB;
  return gigabytes * prices.cdnGb + (EDITS / 1000) * prices.s3ThousandGets;
}

function lambda(calls: Calls, times: number): Line {
  const each = Object.values(calls);
  const gbSeconds = times * total(each.map(([count, ms, mb]) => count * (ms / 1000) * (mb / 1024)));
  const invocations = times * total(each.map(([count]) => count));
  const dollars = (invocations * prices.lambdaMillion) / 1e6 + gbSeconds * prices.lambdaGbSecond;
  return line('Lambda', `${invocations.toLocaleString('en-US')} invocations, ${gbSeconds.toFixed(0)} GB-s`, dollars);
}
