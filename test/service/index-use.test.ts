import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectBlocks } from '../../lambdas/gc/collect-blocks.ts';
import { expireVersions } from '../../lambdas/gc/expire-versions.ts';
import { forgetChanges } from '../../lambdas/gc/forget-changes.ts';
import { toEvent } from '../../lambdas/shared/commit/event.ts';
import { databasesOf } from '../../lambdas/shared/database/database.ts';
import type { Shard, Sql } from '../../lambdas/shared/database/rows.ts';
import { migrateSchema } from '../../lambdas/shared/migrations/migrate-schema.ts';
import { comesBy } from '../../lambdas/shared/runtime/request.ts';
import { changeBounds, lockAccount } from '../../lambdas/shared/tables/accounts.ts';
import {
  blocksBetween,
  countsOf,
  findBlocks,
  insertPending,
  listQuarantined,
  lockToRaise,
  lowerCounts,
  markLive,
} from '../../lambdas/shared/tables/blocks.ts';
import { bookCommits } from '../../lambdas/shared/tables/book-commits.ts';
import { insertFolderChanges, listChanges } from '../../lambdas/shared/tables/changes.ts';
import { returnClaims, takeClaims } from '../../lambdas/shared/tables/claims.ts';
import {
  filterKept,
  filterShared,
  findContents,
  listContents,
  putContents,
  removeContents,
  shiftContents,
} from '../../lambdas/shared/tables/contents.ts';
import { countVersions } from '../../lambdas/shared/tables/count-versions.ts';
import { findDeltas, keepDeltas, removeOldDeltas } from '../../lambdas/shared/tables/deltas.ts';
import {
  forgetRevoked,
  listDevices,
  putDevice,
  requireDevice,
  revokeDevices,
} from '../../lambdas/shared/tables/devices.ts';
import {
  findTreeHash,
  listAllItems,
  listDirectory,
  listItems,
  listStale,
} from '../../lambdas/shared/tables/directories.ts';
import {
  filterParents,
  findObstacles,
  findTargets,
  isWholeFolder,
  leavePaths,
  listFolder,
  moveFolderFiles,
  sizeOfFolder,
} from '../../lambdas/shared/tables/files.ts';
import { filterHeld, listHeld } from '../../lambdas/shared/tables/held-blocks.ts';
import {
  confirmVersions,
  countedHashes,
  filterRaised,
  leaveLedger,
  listUnsettled,
  openVersions,
} from '../../lambdas/shared/tables/ledger.ts';
import type { NewVersion } from '../../lambdas/shared/tables/new-versions.ts';
import { findStanding } from '../../lambdas/shared/tables/open-uploads.ts';
import { listSparse } from '../../lambdas/shared/tables/packs.ts';
import {
  findDoubtful,
  findPins,
  noteLooks,
  releasePins,
  removeExpiredPins,
  renewPins,
  verifyPins,
} from '../../lambdas/shared/tables/pins.ts';
import { findEntries } from '../../lambdas/shared/tables/renewed.ts';
import { findAnswer } from '../../lambdas/shared/tables/requests.ts';
import { bindSignIn, endSignIns, listSignIns, requireSignIn } from '../../lambdas/shared/tables/sign-ins.ts';
import {
  findUpload,
  findUploadFiles,
  removeExpiredUploads,
  requireAnswers,
} from '../../lambdas/shared/tables/uploads.ts';
import {
  filterVersions,
  findVersions,
  highestVersion,
  insertMovedVersions,
  listHistory,
  supersedeVersions,
} from '../../lambdas/shared/tables/versions.ts';
import { writeVersions } from '../../lambdas/shared/tables/write-versions.ts';
import { blocksMigrations, scratchDatabase, shardMigrations } from './support/scratch-database.ts';

let pool: Pool;
let shard: Shard;
beforeAll(async () => {
  pool = await scratchDatabase(afterAll);
  shard = databasesOf(pool, () => pool).shards[7]!;
  await migrateSchema(pool, shard.schema, shardMigrations);
  await migrateSchema(pool, 'blocks', blocksMigrations);
});

/** The plans of all statements that `run` sends, made as if reading a whole table were dear. */
async function plansOf(run: (sql: never) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('set local enable_seqscan = off');
    const explaining = {
      connect: async () => explaining,
      release: () => {},
      async query(text: string, values?: unknown[]) {
        // All is one transaction here.
        if (/^(begin|commit|rollback)/.test(text)) return { rows: [] };
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
        plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
        return await client.query(text, values);
      },
    };
    await run(explaining as unknown as Sql as never);
  } finally {
    await client.query('rollback');
    client.release();
  }
  expect(plans).not.toEqual([]);
  return plans.join('\n');
}

const [user, id] = [randomUUID(), randomUUID()];
const hashes = ['aa'.repeat(32), 'bb'.repeat(32)];
const blocks = hashes.map((hash) => ({ hash, size: 1 }));
const contents = hashes.map((hash) => ({ hash, encoded: Buffer.from('encoded'), part: null }));
const moved = hashes.map((hash) => ({ hash, encoded: null, part: { pack: hash, at: 0, bytes: 1 } }));
const kept = contents.map((content) => ({ ...content, base: hashes }));
const live = { state: 'live', size_bytes: 1, objects: 'there', object_versions: null, damaged_version: null } as const;
/** One that is counted alone, and one that is counted in slots. */
const countable = new Map(hashes.map((hash, index) => [hash, { hash, hot: index > 0, ...live }]));
const key = { userId: user, uploadId: id };
const paths = ['a/b', 'c'];
const version: NewVersion = {
  ...{ versionId: id, fileId: id, version: 1, changeType: 'create', path: 'a/b', kind: 'file' },
  ...{ hashes, sizes: [1, 1], size: 2, mtimeMs: 1, mode: 0o644 },
};
const event = toEvent(version, { namespaceId: user, deviceId: id, cursor: 1, timestamp: 1 });

/** The rows of the user, as his own and as those of his namespace. */
const rows = (sql: never) => ({ ...shard, sql, userId: user, id: user });

/** Every statement that requests run against tables that grow with the number of users, files or blocks. */
const statements: Record<string, (sql: never) => Promise<unknown>> = {
  lockAccount: (sql) => lockAccount(rows(sql)),
  changeBounds: (sql) => changeBounds(rows(sql)),
  requireDevice: (sql) => {
    comesBy({ id, at: 0 });
    return requireDevice(rows(sql), id).catch(() => {});
  },
  requireSignIn: (sql) => requireSignIn(rows(sql), id),
  bindSignIn: async (sql) => {
    await putDevice(rows(sql), { device_id: id, name: 'name' });
    await bindSignIn(rows(sql), { signIn: id, deviceId: id });
  },
  listSignIns: (sql) => listSignIns(rows(sql)),
  endSignIns: (sql) => endSignIns(rows(sql), { ending: [id], deviceId: id }),
  listDevices: (sql) => listDevices(rows(sql)),
  revokeDevices: (sql) => revokeDevices(rows(sql), [id], undefined),
  forgetRevoked: (sql) => forgetRevoked(rows(sql)),
  findTargets: (sql) => findTargets(rows(sql), paths),
  findObstacles: (sql) => findObstacles(rows(sql), { places: paths, above: paths, except: paths }),
  filterParents: (sql) => filterParents(rows(sql), paths, paths),
  sizeOfFolder: (sql) => sizeOfFolder(rows(sql), 'a'),
  listFolder: (sql) => listFolder(rows(sql), 'a'),
  isWholeFolder: (sql) => isWholeFolder(rows(sql), 'a', [{ file_id: id, version: 1 }]),
  moveFolderFiles: (sql) => moveFolderFiles(rows(sql), { from: 'a', to: 'b', version: 2 }),
  insertMovedVersions: (sql) => insertMovedVersions(rows(sql), { fileIds: [id], versionIds: [id] }, id),
  insertFolderChanges: (sql) => insertFolderChanges(rows(sql), [id], { from: 'a', to: 'b', first: 1 }),
  highestVersion: (sql) => highestVersion(rows(sql), 'a'),
  findVersions: (sql) => findVersions(rows(sql), [{ path: 'a' }, { path: 'b', version: 1 }]),
  listHistory: (sql) => listHistory(rows(sql), 'a', { before: undefined, limit: 10 }),
  filterVersions: (sql) => filterVersions(rows(sql), [id]),
  listChanges: (sql) => listChanges(rows(sql), { cursor: 0, limit: 10 }),
  filterHeld: (sql) => filterHeld(rows(sql), hashes),
  listHeld: (sql) => listHeld(rows(sql), '', 10),
  bookCommits: (sql) =>
    bookCommits(rows(sql), blocks, ['', 'a'], { used: 1, reserved: 0, kept: 0, entries: 1, changes: 1 }),
  writeVersions: (sql) => writeVersions(rows(sql), [{ version, event }], id),
  leavePaths: (sql) => leavePaths(rows(sql), [id]),
  supersedeVersions: (sql) => supersedeVersions(rows(sql), [id]),
  listStale: (sql) => listStale(rows(sql), 'a', 10),
  listItems: (sql) => listItems(rows(sql), paths),
  listAllItems: (sql) => listAllItems(rows(sql), 'a'),
  findTreeHash: (sql) => findTreeHash(rows(sql), 'a'),
  listDirectory: (sql) => listDirectory(rows(sql), 'a', { after: 'b', limit: 10 }),
  findUpload: (sql) => findUpload(rows(sql), id),
  findUploadFiles: (sql) => findUploadFiles(rows(sql), id),
  findAnswer: (sql) => findAnswer(rows(sql), id),
  findBlocks: (sql) => findBlocks(sql, hashes),
  insertPending: (sql) => insertPending(sql, blocks, 'row'),
  markLive: (sql) => markLive(sql, blocks, 'object'),
  lockToRaise: (sql) => lockToRaise(sql, hashes),
  countVersions: (sql) => countVersions(sql, countable, [{ versionId: id, namespaceId: user, hashes }]),
  lowerCounts: (sql) => lowerCounts(sql, hashes),
  renewPins: (sql) =>
    renewPins(
      sql,
      key,
      hashes.map((hash) => ({ hash, verified: false, token: 't', nonce: null })),
    ),
  findPins: (sql) => findPins(sql, key, hashes),
  findDoubtful: (sql) => findDoubtful(sql, key, hashes, { held: new Set(hashes), maxLooks: 5 }),
  noteLooks: (sql) => noteLooks(sql, key, hashes),
  takeClaims: (sql) => takeClaims(sql, user, 2),
  returnClaims: (sql) => returnClaims(sql, user, 1),
  findEntries: (sql) => findEntries(sql, hashes),
  verifyPins: (sql) => verifyPins(sql, key, blocks),
  releasePins: (sql) => releasePins(sql, user, [id]),
  filterRaised: (sql) => filterRaised(sql, [id]),
  countedHashes: (sql) => countedHashes(sql, [id]),
  leaveLedger: (sql) => leaveLedger(sql, [id], 'raised'),
  confirmVersions: (sql) => confirmVersions(sql, [id]),
  listQuarantined: (sql) => listQuarantined(sql, '', 10),
  countsOf: (sql) => countsOf(sql, hashes),
  blocksBetween: (sql) => blocksBetween(sql, hashes[0]!, hashes[1]!),
  openVersions: (sql) => openVersions(sql, hashes),
  collectBlocks: (sql) => collectBlocks(sql, 10, Number.POSITIVE_INFINITY),
  removeExpiredPins: (sql) => removeExpiredPins(sql, 10),
  expireVersions: (sql) => expireVersions(sql, rows(sql), 10),
  forgetChanges: (sql) => forgetChanges(rows(sql), 10),
  findStanding: (sql) => findStanding(rows(sql), id, { deviceId: id, paths }),
  requireAnswers: (sql) => requireAnswers(rows(sql), id).catch(() => {}),
  removeExpiredUploads: (sql) => removeExpiredUploads(rows(sql), 10),
  keepDeltas: (sql) => keepDeltas(rows(sql), kept),
  findDeltas: (sql) => findDeltas(rows(sql), hashes),
  removeOldDeltas: (sql) => removeOldDeltas(rows(sql), 10),
  listUnsettled: (sql) => listUnsettled(sql, 10),
  putContents: (sql) => putContents(sql, user, contents),
  findContents: (sql) => findContents(sql, user, hashes),
  listContents: (sql) => listContents(sql, hashes),
  filterKept: (sql) => filterKept(sql, hashes),
  filterShared: (sql) => filterShared(sql, hashes),
  listSparse: (sql) => listSparse(sql, hashes),
  shiftContents: (sql) => shiftContents(sql, hashes[0]!, moved),
  removeContents: async (sql) => {
    await putContents(sql, user, contents);
    await removeContents(sql, hashes, user);
  },
};

test.each(Object.entries(statements))('%s finds its rows by an index', async (_, run) => {
  expect(await plansOf(run)).not.toMatch(/Seq Scan/);
});

test('what lies below new paths is found by these, and not among all files of the user', async () => {
  const run = async (sql: never): Promise<void> => {
    const { schema } = shard;
    await (sql as Sql).query(
      `insert into ${schema}.files (file_id, user_id, path, kind, version, block_hashes, block_sizes, size_bytes,
         mtime_ms, mode)
       select gen_random_uuid(), $1, 'many/file-' || n, 'file', 1, '{}', '{}', 0, 0, 420 from generate_series(1, 2000) n`,
      [user],
    );
    const fresh = Array.from({ length: 300 }, (_, index) => `many/new-${index}`);
    await filterParents(rows(sql), fresh, []);
  };
  expect(await plansOf(run)).not.toMatch(/Join Filter/);
});
