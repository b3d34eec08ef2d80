import { hash } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  applyDelta,
  BLOCK_BYTES,
  blockRanges,
  encodeDelta,
  encodeDeltaFromSignature,
  signature,
} from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import { Random } from '../random.ts';
import { type Case, codecCases, largeFile } from './cases.ts';
import { type CaseResult, type Goal, goalsOf, type Results, RIVALS } from './goals.ts';
import { timed } from './measure.ts';
import { measureCold } from './measure-cold.ts';
import { type Figures, installedPeers, measurePeer } from './peers.ts';

const TURNS = 21;

/** Runs every case beside its peers and beside SHA-256 of the same blocks. The last line of `json` holds all figures. */
export async function run({ json }: { json: boolean }): Promise<void> {
  const { installed, missing } = installedPeers();
  if (missing.length > 0) console.error(`Not installed, so not compared: ${missing.join(', ')}`);
  const cases: CaseResult[] = [];
  for (const each of codecCases()) {
    const own = await measureCase(each);
    const peers: Record<string, Figures> = {};
    for (const peer of installed.filter(({ name }) => !each.hard || RIVALS.includes(name))) {
      const figures = measurePeer(peer, each.pairs);
      if (figures) peers[peer.name] = figures;
    }
    const result = { ...own, peers };
    cases.push(result);
    if (!json) printCase(result);
  }
  const results = { cases, signature: await measureSignature(), file: await measureFile(), ...measureCold() };
  const goals = goalsOf(results);
  if (json) return console.log(JSON.stringify({ ...results, goals }));
  printRest(results);
  printGoals(goals);
}

async function measureCase({ name, what, pairs, hard = false }: Case): Promise<Omit<CaseResult, 'peers'>> {
  const sum = { base_bytes: 0, target_bytes: 0, delta_bytes: 0, encode_ms: 0, apply_ms: 0, sha256_ms: 0 };
  const into = new Uint8Array(BLOCK_BYTES);
  for (const { base, target } of pairs) {
    const delta = encodeDelta(base, target);
    const expected = { expectedSize: target.length, expectedHash: hash('sha256', target), into };
    const times = await timed(TURNS, {
      sha256: () => hash('sha256', target),
      encode: () => encodeDelta(base, target),
      apply: () => applyDelta(base, delta, expected),
    });
    sum.base_bytes += base.length;
    sum.target_bytes += target.length;
    sum.delta_bytes += delta.length;
    sum.encode_ms += times.encode;
    sum.apply_ms += times.apply;
    sum.sha256_ms += times.sha256;
  }
  return { case: name, what, hard, ...sum };
}

async function measureSignature() {
  const base = new Random(1).bytes(BLOCK_BYTES);
  const edited = base.slice().fill(0, 1_000_000, 1_000_100);
  const unrelated = new Random(2).bytes(BLOCK_BYTES);
  const signed = signature(base);
  const times = await timed(TURNS, {
    sha256_ms: () => hash('sha256', base),
    sign_ms: () => signature(base),
    matched_ms: () => encodeDeltaFromSignature(signed, edited),
    random_ms: () => encodeDeltaFromSignature(signed, unrelated),
  });
  return { bytes: signed.length, delta_bytes: encodeDeltaFromSignature(signed, edited).length, ...times };
}

async function measureFile() {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const pool = new FilePool(2);
  try {
    const { base, target } = largeFile();
    const path = join(folder, 'base');
    writeFileSync(path, base);
    writeFileSync(join(folder, 'target'), target);
    const file = openSync(join(folder, 'target'), 'r');
    const blocks = blockRanges(target.length);
    const wanted = blocks.map((range, from) => ({ ...range, from }));
    const old = new Map(
      blockRanges(base.length).map(({ offset, length }, number) => [number, { path, offset, size: length }]),
    );
    const encoded = await pool.blocksOf(file, wanted, old);
    const times = await timed(5, {
      sha256_ms: () => hash('sha256', target),
      hash_ms: () => pool.blocksOf(file, blocks),
      encode_ms: () => pool.blocksOf(file, wanted, old),
    });
    closeSync(file);
    const delta_bytes = encoded.reduce((sum, { delta }) => sum + delta!.bytes.length, 0);
    const xdelta = installedPeers().installed.filter(({ name }) => name === 'xdelta3 -1');
    const peers = Object.fromEntries(xdelta.map((peer) => [peer.name, measurePeer(peer, [{ base, target }])]));
    return { bytes: target.length, delta_bytes, ...times, peers };
  } finally {
    await pool.close();
    rmSync(folder, { recursive: true });
  }
}

function printCase({ case: name, what, delta_bytes, encode_ms, apply_ms, sha256_ms, peers }: CaseResult): void {
  console.log(`\n(${name}) ${what}; SHA-256 takes ${sha256_ms.toFixed(2)} ms`);
  printRow(
    'tidemark',
    delta_bytes,
    encode_ms,
    apply_ms,
    `${(encode_ms / sha256_ms).toFixed(2)} and ${(apply_ms / sha256_ms).toFixed(2)} times SHA-256`,
  );
  for (const [peer, figures] of Object.entries(peers)) {
    const bytes = (figures.delta_bytes / delta_bytes).toFixed(2);
    const time = (figures.encode_ms / encode_ms).toFixed(1);
    printRow(
      peer,
      figures.delta_bytes,
      figures.encode_ms,
      figures.apply_ms,
      `${bytes} times the bytes, ${time} times the time to encode`,
    );
  }
}

function printRow(name: string, bytes: number, encode: number, apply: number, note: string): void {
  const columns = [
    name.padEnd(14),
    `${bytes}`.padStart(9),
    `${encode.toFixed(2)} ms`.padStart(12),
    `${apply.toFixed(2)} ms`.padStart(11),
    `  ${note}`,
  ];
  console.log(columns.join(''));
}

function printRest({ signature: signed, file, cold_ms, cold_import_ms }: Results): void {
  console.log('\nsignature of 4 MiB, and deltas from it', signed);
  console.log('256 MiB with 2,000 edits', file);
  console.log(`first call ${cold_ms.toFixed(2)} ms after loading the bundle in ${cold_import_ms.toFixed(2)} ms`);
}

function printGoals(goals: readonly Goal[]): void {
  const reached = goals.filter((goal) => goal.reached).length;
  console.log(`\nGoals: ${reached} of ${goals.length} reached`);
  for (const { goal, case: name, measured, at_most, at_least, reached } of goals) {
    const bound = at_most === undefined ? `at least ${at_least}` : `at most ${at_most}`;
    const columns = [
      (reached ? 'reached' : 'NOT REACHED').padEnd(13),
      (name ?? '').padEnd(3),
      `${Number(measured.toPrecision(4))}`.padStart(9),
      `, ${bound}`.padEnd(16),
      goal,
    ];
    console.log(columns.join(''));
  }
}
