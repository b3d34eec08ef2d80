import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../statistics.ts';
import type { Pair } from './cases.ts';

export interface Figures {
  readonly delta_bytes: number;
  /** Milliseconds of the process less its start-up; from making the delta to its last byte on disk. */
  readonly encode_ms: number;
  readonly apply_ms: number;
}

interface Peer {
  readonly name: string;
  readonly program: string;
  /** Command lines that make the delta; `base`, `target`, `delta`, `signature` and `result` stand for paths. */
  readonly encode: readonly string[];
  readonly apply: string;
}

const zstd = 'zstd -q -f --long=27';
const peers: readonly Peer[] = [
  {
    name: 'librsync',
    program: 'rdiff',
    encode: ['rdiff -f signature base signature', 'rdiff -f delta signature target delta'],
    apply: 'rdiff -f patch base delta result',
  },
  ...['-1', '-3'].map((level) => ({
    name: `xdelta3 ${level}`,
    program: 'xdelta3',
    encode: [`xdelta3 -e -f ${level} -A= -s base target delta`],
    apply: 'xdelta3 -d -f -s base delta result',
  })),
  ...['-1', '-3'].map((level) => ({
    name: `zstd ${level} --long`,
    program: 'zstd',
    encode: [`${zstd} ${level} --patch-from=base target -o delta`],
    apply: `${zstd} -d --patch-from=base delta -o result`,
  })),
  { name: 'bsdiff', program: 'bsdiff', encode: ['bsdiff base target delta'], apply: 'bspatch base result delta' },
];

const RUNS = 5;
/** bsdiff takes minutes on zeros: whoever takes longer has no figure there. */
const PATIENCE_MS = 30_000;

export function installedPeers(): { installed: Peer[]; missing: string[] } {
  const installed = peers.filter(({ program }) => !spawnSync(program, ['--help']).error);
  const missing = new Set(peers.filter((peer) => !installed.includes(peer)).map(({ program }) => program));
  return { installed, missing: [...missing] };
}

/** Figures of one tool, summed over the pairs; `undefined` when it fails or takes too long. */
export function measurePeer(peer: Peer, pairs: readonly Pair[]): Figures | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  const idle = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  try {
    writePair(idle, { base: Buffer.alloc(16), target: Buffer.alloc(16) });
    const sum = { delta_bytes: 0, encode_ms: 0, apply_ms: 0 };
    for (const pair of pairs) {
      writePair(folder, pair);
      const figures = measurePair(peer, folder, idle);
      if (!figures) return undefined;
      sum.delta_bytes += figures.delta_bytes;
      sum.encode_ms += figures.encode_ms;
      sum.apply_ms += figures.apply_ms;
    }
    return sum;
  } finally {
    for (const each of [folder, idle]) rmSync(each, { recursive: true });
  }
}

function writePair(folder: string, { base, target }: Pair): void {
  writeFileSync(join(folder, 'base'), base);
  writeFileSync(join(folder, 'target'), target);
}

/** Each run in `folder` follows one in `idle`, where there is next to nothing to do: the start-up to subtract. */
function measurePair(peer: Peer, folder: string, idle: string): Figures | undefined {
  const encode: number[] = [];
  const apply: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const [encodeStartUp, applyStartUp] = runOnce(peer, idle);
    const [encodeMs, applyMs] = runOnce(peer, folder);
    if ([encodeStartUp, applyStartUp, encodeMs, applyMs].some(Number.isNaN)) return undefined;
    encode.push(encodeMs - encodeStartUp);
    apply.push(applyMs - applyStartUp);
    if (encodeMs > 1000) break;
  }
  const delta_bytes = statSync(join(folder, 'delta')).size;
  return { delta_bytes, encode_ms: median(encode), apply_ms: median(apply) };
}

/** Milliseconds to encode and to apply; NaN for what fails. */
function runOnce(peer: Peer, folder: string): [encode: number, apply: number] {
  const encode = peer.encode.reduce((sum, line) => sum + runIn(folder, line), 0);
  return [encode, runIn(folder, peer.apply)];
}

/** Milliseconds, or NaN when the command fails or takes too long. */
function runIn(folder: string, line: string): number {
  const [program, ...parameters] = line.split(' ');
  const started = performance.now();
  const { status } = spawnSync(program!, parameters, { cwd: folder, stdio: 'ignore', timeout: PATIENCE_MS });
  return status === 0 ? performance.now() - started : Number.NaN;
}
