import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeDelta } from '../../codec/index.ts';
import { saveFiles } from '../../lambdas/save/save.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { ancestors } from '../../protocol/path.ts';
import type { SaveHeader } from '../../protocol/save.ts';
import { checkAlways } from './invariants.ts';
import { contents, devices, users, World } from './world.ts';

/* The same items in one call, for the first user, and in a call each, for the second. */

const PATHS = ['d', 'd/x', 'd/x/y', 'e', 'e/z', 'f', 'g'] as const;
const QUOTA = 1e9;
const RUNS = Number(process.env.BATCH_RUNS ?? 20);
const [device_id] = devices;

interface Item {
  readonly path: string;
  readonly kind: 'file' | 'directory';
  /** Which content a file has. */
  readonly content: number;
  /** Whether it names another version than the one that is there. */
  readonly isStale: boolean;
  /** What is sent for its content. */
  readonly sends: 'content' | 'rubbish';
}

let world: World;
beforeAll(async () => {
  world = await World.open();
});
afterAll(() => world?.close());

/** Parents before what is in them, as a client sends them: of two items that exclude each other the first one wins. */
const batch = fc
  .uniqueArray(
    fc.record<Item>({
      path: fc.constantFrom(...PATHS),
      kind: fc.constantFrom('file', 'file', 'directory'),
      content: fc.nat(contents.length - 1),
      isStale: fc.nat(4).map((chance) => chance === 0),
      sends: fc.constantFrom('content', 'content', 'content', 'rubbish'),
    }),
    { selector: ({ path }) => path, minLength: 1 },
  )
  .map((items) => items.toSorted((one, other) => (one.path < other.path ? -1 : 1)))
  .filter((items) => items.every(({ path }) => ancestors(path).every((above) => isGood(items, above))));

/** A file that is refused by itself has no say in a call of its own, and in one call with what lies in it. */
function isGood(items: readonly Item[], path: string): boolean {
  const item = items.find((item) => item.path === path);
  return item?.kind !== 'file' || (!item.isStale && item.sends === 'content');
}

async function versions(user: number): Promise<Map<string, number>> {
  const { sql, schema, id } = rowsOf(user);
  const { rows } = await sql.query<{ path: string; version: number }>(
    `select path, version from ${schema}.files where user_id = $1 and deleted_at is null`,
    [id],
  );
  return new Map(rows.map(({ path, version }) => [path, version]));
}

const rowsOf = (user: number) => ({ ...world.databases.shardOf(users[user]!), id: users[user]! });

/** Saves these items in one call. Answers what became of each, without what is another in every call. */
async function save(user: number, items: readonly Item[], base: ReadonlyMap<string, number>): Promise<unknown[]> {
  const files: SaveHeader['files'] = [];
  const sent = new Map<string, { size: number; encoded: Uint8Array }>();
  for (const { path, kind, content, isStale, sends } of items) {
    const bytes = kind === 'file' ? contents[content]! : Buffer.alloc(0);
    // What is rubbish for one item is so for none that has the same content.
    const isRubbish = sends === 'rubbish';
    const block = {
      hash: createHash('sha256')
        .update(bytes)
        .update(isRubbish ? path : '')
        .digest('hex'),
      size: bytes.length,
    };
    if (kind === 'file') sent.set(block.hash, { size: bytes.length, encoded: encodeDelta(Buffer.alloc(0), bytes) });
    files.push({
      path,
      kind,
      size: bytes.length,
      mtime_ms: 1,
      mode: kind === 'file' ? 0o644 : 0o755,
      base_version: (base.get(path) ?? 0) + (isStale ? 1 : 0),
      blocks: kind === 'file' ? [block] : [],
    });
  }
  const brought = [...sent].map(([hash, { size, encoded }]) => ({ hash, size, bytes: encoded.length }));
  const header = { upload_id: randomUUID(), device_id, files, contents: brought };
  const body = { header, contents: [...sent.values()].map(({ encoded }) => encoded) };
  const { results } = await saveFiles(world.databases, users[user]!, body, QUOTA);
  return results.map(told);
}

function told(result: CommitResult): unknown {
  return 'error' in result
    ? { path: result.path, code: result.error.code }
    : { path: result.path, version: result.version, cursor: result.cursor };
}

/** All that the user's tree is, was and says of itself. */
async function stateOf(user: number): Promise<unknown> {
  const { sql, schema, id } = rowsOf(user);
  const of = async (statement: string) => (await sql.query(statement, [id])).rows;
  const columns = 'v.path, v.kind, v.version, v.change_type, v.block_hashes, v.size_bytes, v.mode';
  return {
    tree: await of(`select path, kind, version, block_hashes, size_bytes, mode from ${schema}.files
      where user_id = $1 and deleted_at is null order by path`),
    changes:
      await of(`select c.seq, ${columns} from ${schema}.changes c join ${schema}.file_versions v using (version_id)
      where c.user_id = $1 order by c.seq`),
    held: await of(`select block_hash, versions from ${schema}.held_blocks where user_id = $1 order by block_hash`),
    account: await of(`select used_bytes, entries, change_seq from ${schema}.accounts where user_id = $1`),
    events: await of(`select seq, event->>'file_path' as path from ${schema}.outbox where user_id = $1 order by seq`),
  };
}

const plain = { content: 0, isStale: false, sends: 'content' } as const;
/** A file where others have their directory is refused, and what lies in that directory is not. */
const fileThatCannotBe: Item[][] = [
  [{ path: 'd/x', kind: 'directory', ...plain }],
  [
    { path: 'd', kind: 'file', ...plain },
    { path: 'd/x/y', kind: 'file', ...plain },
  ],
];

test('items in one call do what they do in a call each', { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 3 }), async (batches) => {
      await world.reset(0);
      for (const items of batches) {
        const [base, same] = [await versions(0), await versions(1)];
        expect(same).toEqual(base);
        const together = await save(0, items, base);
        const apart: unknown[] = [];
        for (const item of items) apart.push(...(await save(1, [item], base)));
        expect(together, 'I64: what items are answered').toEqual(apart);
        expect(await stateOf(0), 'I64: what became of them').toEqual(await stateOf(1));
      }
      await checkAlways(world, []);
    }),
    { numRuns: RUNS, examples: [[fileThatCannotBe]] },
  );
});
