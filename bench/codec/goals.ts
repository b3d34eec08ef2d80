import type { Figures } from './peers.ts';

export interface CaseResult extends Figures {
  readonly case: string;
  readonly what: string;
  readonly hard: boolean;
  readonly base_bytes: number;
  readonly target_bytes: number;
  readonly sha256_ms: number;
  readonly peers: Readonly<Record<string, Figures>>;
}

export interface Results {
  readonly cases: readonly CaseResult[];
  readonly signature: { sha256_ms: number; sign_ms: number; matched_ms: number; random_ms: number };
  readonly file: {
    delta_bytes: number;
    sha256_ms: number;
    hash_ms: number;
    encode_ms: number;
    peers: Record<string, Figures | undefined>;
  };
  readonly cold_ms: number;
  readonly cold_import_ms: number;
}

export interface Goal {
  readonly goal: string;
  /** The case it is for; without one, the goal is for none in particular. */
  readonly case?: string;
  readonly measured: number;
  readonly at_most?: number;
  readonly at_least?: number;
  readonly reached: boolean;
}

/** Cases of data that people have; the others are made to be hard. */
const REALISTIC = 'abcdfgjkqrst';
/** The faster of them has to be beaten. */
export const RIVALS = ['xdelta3 -1', 'zstd -1 --long'];

/**
 * fast_rsync 0.2.0 is a Rust library without a command: figures taken once in one process, one 4 MiB block, on a machine
 * whose SHA-256 of that block took 2.4 ms. Here they are scaled by the SHA-256 of the run.
 */
const FAST_RSYNC = {
  sha256_ms: 2.4,
  encode_ms: { a: 5.2, b: 5.3, c: 5.4, d: 5.2 } as Readonly<Record<string, number>>,
  sign_ms: 0.85,
  matched_ms: 4.4,
  random_ms: 26,
};

/** The goals of the codec as ratios of one run. A goal beside a peer that is not installed, or had no figure, is left out. */
export function goalsOf(results: Results): Goal[] {
  return [...results.cases.flatMap(goalsOfCase), ...otherGoals(results)];
}

function goalsOfCase(result: CaseResult): Goal[] {
  const { case: name, hard, encode_ms, apply_ms, sha256_ms, delta_bytes, target_bytes, peers } = result;
  const realistic = REALISTIC.includes(name);
  const goals: Goal[] = [];
  const most = (goal: string, measured: number | undefined, at_most: number): void => {
    if (measured !== undefined) goals.push({ goal, case: name, measured, at_most, reached: measured <= at_most });
  };
  const least = (goal: string, measured: number | undefined, at_least: number): void => {
    if (measured !== undefined) goals.push({ goal, case: name, measured, at_least, reached: measured >= at_least });
  };
  const bytesOf = (peer: string): number | undefined => peers[peer] && delta_bytes / peers[peer].delta_bytes;
  const timeOf = (peer: string): number | undefined => peers[peer] && peers[peer].encode_ms / encode_ms;

  most('encode / SHA-256', encode_ms / sha256_ms, name === 'a' ? 0.25 : 6);
  if ('abcdfg'.includes(name)) least('librsync encode / encode', timeOf('librsync'), 10);
  const fastRsync = FAST_RSYNC.encode_ms[name];
  if (fastRsync !== undefined) {
    least('fast_rsync encode / encode', fastRsync / FAST_RSYNC.sha256_ms / (encode_ms / sha256_ms), 5);
  }
  const rivals = RIVALS.map(timeOf).filter((time) => time !== undefined);
  if (rivals.length > 0) {
    least('faster of xdelta3 -1, zstd -1 --long / encode', Math.min(...rivals), realistic ? 2 : 1);
  }
  most('apply / SHA-256', apply_ms / sha256_ms, realistic ? 1.25 : 2);
  if (name === 'a') most('delta bytes', delta_bytes, 130);
  if (!hard) most('delta / xdelta3 -3', bytesOf('xdelta3 -3'), 1);
  if (name === 'k') {
    most('delta / zstd -3 --long', bytesOf('zstd -3 --long'), 0.5);
    most('delta / bsdiff', bytesOf('bsdiff'), 1.3);
  }
  most('delta / block', delta_bytes / target_bytes, 1.001);
  return goals;
}

function otherGoals({ signature, file, cold_ms, cold_import_ms }: Results): Goal[] {
  const scale = signature.sha256_ms / FAST_RSYNC.sha256_ms;
  const faster = (goal: string, name: 'sign_ms' | 'matched_ms' | 'random_ms', at_least: number): Goal => {
    const measured = (scale * FAST_RSYNC[name]) / signature[name];
    return { goal, measured, at_least, reached: measured >= at_least };
  };
  const most = (goal: string, measured: number, at_most: number): Goal => ({
    goal,
    measured,
    at_most,
    reached: measured <= at_most,
  });
  const xdelta = file.peers['xdelta3 -1'];
  return [
    faster('fast_rsync sign / sign', 'sign_ms', 1),
    faster('fast_rsync diff / diff from a signature, 100 bytes changed', 'matched_ms', 8),
    faster('fast_rsync diff / diff from a signature, random', 'random_ms', 2),
    most('256 MiB: read, hash and encode on two threads / SHA-256 on one', file.encode_ms / file.sha256_ms, 1.3),
    ...(xdelta ? [most('256 MiB: deltas / xdelta3 -1', file.delta_bytes / xdelta.delta_bytes, 1.1)] : []),
    most('cold: load the bundle and make the first delta, ms', cold_import_ms + cold_ms, 10),
  ];
}
