import { limits } from '../protocol/limits.ts';
import { type Line, total } from './floor.ts';
import { prices } from './prices.ts';

/** A large account of notes and sources. */
const FILES = 1_000_000;
const FILE_BYTES = 2048;
/** Rows of a file, in all tables: entry, version, change, event, holding, upload, pin, ledger, block, directory. */
const ROWS = 10;
const GB = 1e9;
const MONTHS = 12;

/** Milliseconds and MB of memory of the calls that bring and fetch as many files as one takes. */
const calls = {
  rows: { Save: [400, 1024], Download: [150, 256], Locate: [150, 512] },
  objects: { UploadInit: [500, 512], Finalize: [1500, 1024], Download: [500, 256], Locate: [60, 512] },
} as const;
/** Of them, those of devices. */
const HTTP_CALLS = { rows: 2, objects: 3 } as const;

/**
 * What it costs to bring a million small files from one device to another, and to keep them for a month: as rows that
 * travel with the calls, or as an object each.
 */
export function firstSync(way: 'rows' | 'objects'): Line[] {
  const batches = FILES / limits.filesPerCall;
  const http = HTTP_CALLS[way] * batches + FILES / limits.changesPerPage;
  const functions = Object.values(calls[way]);
  const gbSeconds = batches * total(functions.map(([ms, mb]) => (ms / 1000) * (mb / 1024)));
  const rows = ROWS + (way === 'rows' ? 1 : 0);
  const gigabytes = (FILES * FILE_BYTES) / GB;
  const store =
    way === 'objects'
      ? [line('S3 requests', 'a PUT, a HEAD and a GET for each file', (FILES / 1000) * ofObject())]
      : [];
  const month = way === 'rows' ? prices.databaseGbMonth : prices.s3GbMonth;
  return [
    line('HTTP API', `${http.toLocaleString('en-US')} calls`, (http * prices.httpMillion) / 1e6),
    line(
      'Lambda',
      `${gbSeconds.toFixed(0)} GB-s`,
      (functions.length * batches * prices.lambdaMillion) / 1e6 + gbSeconds * prices.lambdaGbSecond,
    ),
    ...store,
    line('Aurora', `${rows} rows written for each`, (rows * FILES * prices.databaseMillionRequests) / 1e6),
    line('a month of content', `${gigabytes.toFixed(1)} GB`, gigabytes * month),
  ];
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

function line(what: string, because: string, dollars: number): Line {
  return { what, because, dollars };
}
