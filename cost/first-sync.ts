import { limits } from '../protocol/limits.ts';
import { type Line, line, total } from './floor.ts';
import { prices } from './prices.ts';

/** A large account of notes and sources. */
const FILES = 1_000_000;
const MIB = 1024 * 1024;
/** Bytes of content that come with a save, in its body or in packs, and of one pack. */
const SAVE_BYTES = { rows: 2 * MIB, packs: 7 * MIB };
const PACK_BYTES = 3.5 * MIB;
/** Bytes of a pack that a device fetches with one request. */
const SPAN_BYTES = MIB;
/** Rows of a file, in all tables: entry, version, change, event, holding, upload, pin, ledger, block, directory. */
const ROWS = 10;
const GB = 1e9;
const MONTHS = 12;

/** Milliseconds and MB of memory of the calls that bring and fetch as many files as one takes. */
const calls = {
  rows: { Save: [400, 1024], Download: [150, 256], Locate: [150, 512] },
  packs: { UploadInit: [60, 512], Save: [600, 1024], Download: [150, 256], Locate: [60, 512] },
  objects: { UploadInit: [500, 512], Finalize: [1500, 1024], Download: [500, 256], Locate: [60, 512] },
} as const;
/** Of them, those of devices that are metered as one call each. */
const HTTP_CALLS = { rows: 1, packs: 3, objects: 3 } as const;
/** A save that carries content is metered as a call for each that it begins of so many bytes. */
const METERED_BYTES = 512 * 1024;

/**
 * What it costs to bring a million small files from one device to another, and to keep them for a month: as rows that
 * travel with the calls, in packs, or as an object each.
 * @param fileBytes bytes of a file, which do not compress
 */
export function firstSync(way: 'rows' | 'packs' | 'objects', fileBytes: number): Line[] {
  const perCall = way === 'objects' ? limits.filesPerCall : Math.min(limits.filesPerCall, SAVE_BYTES[way] / fileBytes);
  const batches = FILES / perCall;
  const metered = way === 'rows' ? Math.ceil((perCall * fileBytes) / METERED_BYTES) : 0;
  const http = (HTTP_CALLS[way] + metered) * batches + FILES / limits.changesPerPage;
  const functions = Object.values(calls[way]);
  const gbSeconds = batches * total(functions.map(([ms, mb]) => (ms / 1000) * (mb / 1024)));
  const rows = ROWS + (way === 'objects' ? 0 : 1);
  const gigabytes = (FILES * fileBytes) / GB;
  const month = way === 'rows' ? prices.databaseGbMonth : prices.s3GbMonth;
  return [
    line('HTTP API', `${Math.round(http).toLocaleString('en-US')} calls`, (http * prices.httpMillion) / 1e6),
    line(
      'Lambda',
      `${gbSeconds.toFixed(0)} GB-s`,
      (functions.length * batches * prices.lambdaMillion) / 1e6 + gbSeconds * prices.lambdaGbSecond,
    ),
    ...storeLines(way, FILES * fileBytes),
    line('Aurora', `${rows} rows written for each`, (rows * FILES * prices.databaseMillionRequests) / 1e6),
    line('a month of content', `${gigabytes.toFixed(1)} GB`, gigabytes * month),
  ];
}

function storeLines(way: 'rows' | 'packs' | 'objects', bytes: number): Line[] {
  if (way === 'rows') return [];
  if (way === 'objects') {
    return [line('S3 requests', 'a PUT, a HEAD and a GET for each file', (FILES / 1000) * ofObject())];
  }
  const [packs, spans] = [bytes / PACK_BYTES, bytes / SPAN_BYTES];
  const dollars = (packs * prices.s3ThousandPuts + (packs + spans) * prices.s3ThousandGets) / 1000;
  return [line('S3 requests', 'a PUT and a GET for each pack, a GET for each MiB', dollars)];
}

/** Bytes from which on an object that is kept for a year costs less than a row. */
export function breakEven(): number {
  const once = ofObject() / 1000 - prices.databaseMillionRequests / 1e6;
  return (once / (MONTHS * (prices.databaseGbMonth - prices.s3GbMonth))) * GB;
}

/** Requests of a thousand objects, each written, looked for and read once. */
function ofObject(): number {
  return prices.s3ThousandPuts + 2 * prices.s3ThousandGets;
}
