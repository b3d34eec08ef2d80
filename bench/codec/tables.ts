/* The tables of docs/codec.md, from the last line of `npm run bench -- codec --json` on standard input. */
import { text } from 'node:stream/consumers';
import { goalsOf, type Results } from './goals.ts';

const SIZES = ['librsync', 'xdelta3 -1', 'xdelta3 -3', 'zstd -3 --long', 'bsdiff'];
const TIMES = ['librsync', 'xdelta3 -1', 'zstd -1 --long', 'bsdiff'];

const lines = (await text(process.stdin)).trim().split('\n');
const results = JSON.parse(lines.at(-1)!) as Results;
const { cases, signature, file, cold_ms, cold_import_ms } = results;
const ratio = (value: number): string => (value < 10 ? value.toFixed(2) : value.toFixed(0));

function print(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
  console.log();
}

print(
  ['case', 'here', ...SIZES],
  cases.map(({ case: name, what, delta_bytes, peers }) => [
    `${name} ${what}`,
    `${delta_bytes}`,
    ...SIZES.map((peer) => {
      const bytes = peers[peer]?.delta_bytes;
      if (bytes === undefined) return '';
      return bytes < delta_bytes ? `**${bytes}**` : `${bytes}`;
    }),
  ]),
);
print(
  ['case', 'encode', 'apply', ...TIMES],
  cases.map(({ case: name, encode_ms, apply_ms, sha256_ms, peers }) => [
    name,
    ratio(encode_ms / sha256_ms),
    ratio(apply_ms / sha256_ms),
    ...TIMES.map((peer) => (peers[peer] ? ratio(peers[peer].encode_ms / encode_ms) : '')),
  ]),
);
const times = (milliseconds: number): string => `${ratio(milliseconds / signature.sha256_ms)} times SHA-256`;
const xdelta = file.peers['xdelta3 -1'];
print(
  ['what', 'figure'],
  [
    ['signature of 4 MiB', times(signature.sign_ms)],
    ['delta from it, 100 bytes changed', times(signature.matched_ms)],
    ['delta from it, random data', times(signature.random_ms)],
    ['256 MiB: read and hash on two threads', `${ratio(file.hash_ms / file.sha256_ms)} times SHA-256 on one`],
    ['256 MiB, 2,000 edits: the same and encode', `${ratio(file.encode_ms / file.sha256_ms)} times SHA-256 on one`],
    [
      '256 MiB, 2,000 edits: deltas',
      `${file.delta_bytes} bytes; xdelta3 -1: ${xdelta?.delta_bytes ?? 'not installed'}`,
    ],
    ['load the bundled codec, then the first delta', `${cold_import_ms.toFixed(1)} and ${cold_ms.toFixed(1)} ms`],
  ],
);
const missed = goalsOf(results).filter(({ reached }) => !reached);
print(
  ['goal not reached', 'case', 'measured', 'goal'],
  missed.map(({ goal, case: name, measured, at_most, at_least }) => [
    goal,
    name ?? '',
    ratio(measured),
    at_most === undefined ? `at least ${at_least}` : `at most ${at_most}`,
  ]),
);
