import { readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { BLOCK_BYTES } from '../../codec/index.ts';
import { Random } from '../random.ts';

/** A block of a new version, and what the other side has of the old one: the block and its neighbours. */
export interface Pair {
  readonly base: Uint8Array;
  readonly target: Uint8Array;
}

export interface Case {
  readonly name: string;
  readonly what: string;
  readonly pairs: readonly Pair[];
  /** Made to cost time: only the fast peers are compared, and sizes are no goal. */
  readonly hard?: boolean;
}

const MIB = 1024 * 1024;
const require = createRequire(import.meta.url);

export function codecCases(): Case[] {
  const random = new Random(1);
  const base = random.bytes(BLOCK_BYTES);
  const one = (name: string, what: string, target: Uint8Array, from = base): Case => ({
    name,
    what,
    pairs: [{ base: from, target }],
  });
  const zeros = new Uint8Array(BLOCK_BYTES);
  const pattern = new Uint8Array(Buffer.alloc(BLOCK_BYTES, random.bytes(64)));
  const text = source('typescript-previous').toString('latin1').replace(/\s+/g, ' ');
  const cases = [
    one('a', '100-byte overwrite', overwritten(base, MIB, random.bytes(100))),
    one('b', '100-byte insertion near the start', inserted(base, 1000, random.bytes(100))),
    one('c', '20 scattered edits', scattered(base, 20, 500, random)),
    one('d', 'two halves swapped', joined([base.subarray(2 * MIB), base.subarray(0, 2 * MIB)])),
    one('e', 'unrelated random', new Random(2).bytes(BLOCK_BYTES)),
    {
      name: 'f',
      what: 'typescript.js 5.9.2 to 5.9.3, by blocks',
      pairs: blockPairs(source('typescript-previous'), source('typescript-next')),
    },
    { name: 'g', what: 'SQLite database, a word changed in 2% of its rows', pairs: [databasePair(text, random)] },
    one('h', 'zeros, one byte changed', overwritten(zeros, 3_000_000, Uint8Array.of(1)), zeros),
    one('i', '64-byte pattern, 2,000 bytes changed', scattered(pattern, 2000, 1, random), pattern),
    one('j', 'text wrapped at 72 instead of 80', wrapped(text, 72), wrapped(text, 80)),
  ];
  const executables = executablePairs();
  if (executables) cases.push({ name: 'k', what: 'executable 0.28.1 to 0.28.2, by blocks', pairs: executables });
  return [...cases, ...hardCases(text), ...rewrittenCases(text)];
}

/** Content that a program wrote again, so that hardly a line stayed as it was. */
function rewrittenCases(text: string): Case[] {
  const code = source('typescript-previous');
  const lines = Buffer.from(code.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
  const records = Array.from({ length: 60_000 }, (_, id) => ({
    id,
    title: text.slice(id * 29, id * 29 + 20),
    pages: id % 997,
  }));
  const dated = records.map((record) => ({ ...record, read: new Date(1e12 + record.pages * 1e8 + record.id) }));
  const words = text.split(' ');
  const rows = Array.from({ length: 60_000 }, (_, id) => [id, ...words.slice(3 * id, 3 * id + 6), id % 997].join(','));
  const column = (row: string): string => row.slice(row.indexOf(','));
  const sorted = [...rows].sort((a, b) => (column(a) < column(b) ? -1 : 1));
  return [
    { name: 'q', what: 'typescript.js with other line ends, by blocks', pairs: blockPairs(code, lines) },
    {
      name: 'r',
      what: 'JSON records, each with a new field, by blocks',
      pairs: blockPairs(json(records, 2), json(dated, 2)),
    },
    { name: 's', what: 'CSV sorted by another column, by blocks', pairs: blockPairs(csv(rows), csv(sorted)) },
    {
      name: 't',
      what: 'JSON indented by 4 spaces instead of 2, by blocks',
      pairs: blockPairs(json(records, 2), json(records, 4)),
    },
  ];
}

function json(value: unknown, spaces: number): Buffer {
  return Buffer.from(JSON.stringify(value, null, spaces), 'latin1');
}

function csv(rows: readonly string[]): Buffer {
  return Buffer.from(rows.join('\n'), 'latin1');
}

/** Content that resembles everything, or has to be compressed as a whole, against a block and its neighbours. */
function hardCases(text: string): Case[] {
  const base = new Random(4).bytes(3 * BLOCK_BYTES);
  const middle = base.subarray(BLOCK_BYTES, 2 * BLOCK_BYTES);
  const one = (name: string, what: string, from: Uint8Array, target: Uint8Array): Case => ({
    name,
    what,
    pairs: [{ base: from, target }],
    hard: true,
  });
  const letters = (count: number): [Uint8Array, Uint8Array] => [
    base.map((byte) => 97 + (byte % count)),
    new Random(5).bytes(BLOCK_BYTES).map((byte) => 97 + (byte % count)),
  ];
  return [
    one('l', 'two letters at random', ...letters(2)),
    one('m', 'sixteen letters at random', ...letters(16)),
    one('n', 'rows of 33 bytes, one of each removed', base, rowsWithoutOne(base.subarray(BLOCK_BYTES), 33)),
    one('o', 'pieces of 64 bytes in another order', base, reordered(middle, 64, new Random(6))),
    one('p', 'text instead of random bytes', base, Buffer.from(text, 'latin1').subarray(0, BLOCK_BYTES)),
  ];
}

/** 256 MiB and the same with 2,000 edits of up to 64 bytes: overwrites, insertions and deletions. */
export function largeFile(): { base: Uint8Array; target: Uint8Array } {
  const random = new Random(3);
  const base = new Uint8Array(256 * MIB);
  const words = new Uint32Array(base.buffer);
  for (let i = 0; i < words.length; i++) words[i] = random.word();
  const places = Array.from({ length: 2000 }, () => random.below(base.length - 64)).sort((a, b) => a - b);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const place of places) {
    if (place < from) continue;
    parts.push(base.subarray(from, place));
    const length = 1 + random.below(64);
    const kind = random.below(3);
    if (kind !== 2) parts.push(random.bytes(length));
    from = kind === 1 ? place : place + length;
  }
  parts.push(base.subarray(from));
  return { base, target: joined(parts) };
}

/** Each block of the target with the base's block at the same place and its neighbours. */
function blockPairs(base: Uint8Array, target: Uint8Array): Pair[] {
  const blocks = Math.ceil(target.length / BLOCK_BYTES);
  return Array.from({ length: blocks }, (_, index) => ({
    base: base.subarray(Math.max(0, index - 1) * BLOCK_BYTES, (index + 2) * BLOCK_BYTES),
    target: target.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES),
  }));
}

function source(alias: string): Buffer {
  return readFileSync(require.resolve(`${alias}/lib/typescript.js`));
}

/** The executables are optional packages for one platform. */
function executablePairs(): Pair[] | undefined {
  try {
    const [before, after] = ['esbuild-previous-linux-x64', '@esbuild/linux-x64'].map((name) =>
      readFileSync(require.resolve(`${name}/bin/esbuild`)),
    );
    return blockPairs(before!, after!);
  } catch {
    return undefined;
  }
}

function databasePair(text: string, random: Random): Pair {
  const path = join(tmpdir(), `tidemark-bench-${process.pid}.sqlite`);
  const database = new DatabaseSync(path);
  const words = text.split(' ');
  const sentence = (): string =>
    Array.from({ length: 8 + random.below(12) }, () => words[random.below(words.length)]).join(' ');
  database.exec(
    'PRAGMA journal_mode = OFF; CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT, body TEXT, edited INTEGER); BEGIN',
  );
  const insert = database.prepare('INSERT INTO note (title, body, edited) VALUES (?, ?, ?)');
  for (let row = 0; row < 20_000; row++) insert.run(`note ${row}`, sentence(), row);
  database.exec('COMMIT; CREATE INDEX note_edited ON note (edited)');
  const base = readFileSync(path).subarray(0, BLOCK_BYTES);
  database.exec('BEGIN');
  const select = database.prepare('SELECT body FROM note WHERE id = ?');
  const update = database.prepare('UPDATE note SET body = ?, edited = ? WHERE id = ?');
  for (let i = 0; i < 400; i++) {
    const id = 1 + random.below(20_000);
    const body = String(select.get(id)!.body).split(' ');
    body[random.below(body.length)] = words[random.below(words.length)]!;
    update.run(body.join(' '), 1_000_000 + i, id);
  }
  database.exec('COMMIT');
  database.close();
  const target = readFileSync(path).subarray(0, BLOCK_BYTES);
  rmSync(path);
  return { base, target };
}

function overwritten(base: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const target = base.slice();
  target.set(bytes, at);
  return target;
}

function inserted(base: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  return joined([base.subarray(0, at), bytes, base.subarray(at)]).subarray(0, base.length);
}

function scattered(base: Uint8Array, edits: number, most: number, random: Random): Uint8Array {
  const target = base.slice();
  for (let i = 0; i < edits; i++) {
    const bytes = random.bytes(1 + random.below(most));
    target.set(bytes, random.below(base.length - bytes.length));
  }
  return target;
}

function rowsWithoutOne(base: Uint8Array, row: number): Uint8Array {
  return base.filter((_, index) => index % row !== 0).subarray(0, BLOCK_BYTES);
}

function reordered(base: Uint8Array, piece: number, random: Random): Uint8Array {
  const pieces = Array.from({ length: base.length / piece }, (_, index) =>
    base.subarray(index * piece, (index + 1) * piece),
  );
  for (let i = pieces.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [pieces[i], pieces[j]] = [pieces[j]!, pieces[i]!];
  }
  return joined(pieces);
}

function wrapped(text: string, width: number): Uint8Array {
  const lines = text.replaceAll(new RegExp(`(.{1,${width}})(?: |$)`, 'g'), '$1\n');
  return Buffer.from(lines, 'latin1').subarray(0, BLOCK_BYTES);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
