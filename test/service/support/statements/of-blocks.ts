import { collectBlocks } from '../../../../lambdas/gc/collect-blocks.ts';
import { expireVersions } from '../../../../lambdas/gc/expire-versions.ts';
import { forgetChanges } from '../../../../lambdas/gc/forget-changes.ts';
import {
  blocksBetween,
  countsOf,
  findBlocks,
  insertPending,
  listQuarantined,
  lockToRaise,
  lowerCounts,
  markLive,
} from '../../../../lambdas/shared/tables/blocks.ts';
import { returnClaims, takeClaims } from '../../../../lambdas/shared/tables/claims.ts';
import {
  filterKept,
  filterShared,
  findContents,
  listContents,
  putContents,
  removeContents,
  shiftContents,
} from '../../../../lambdas/shared/tables/contents.ts';
import { countVersions } from '../../../../lambdas/shared/tables/count-versions.ts';
import { findDeltas, keepDeltas, removeOldDeltas } from '../../../../lambdas/shared/tables/deltas.ts';
import {
  confirmVersions,
  countedHashes,
  filterRaised,
  leaveLedger,
  listUnsettled,
  openVersions,
} from '../../../../lambdas/shared/tables/ledger.ts';
import { listSparse } from '../../../../lambdas/shared/tables/packs.ts';
import {
  findDoubtful,
  findPins,
  noteLooks,
  releasePins,
  removeExpiredPins,
  renewPins,
  verifyPins,
} from '../../../../lambdas/shared/tables/pins.ts';
import { findEntries } from '../../../../lambdas/shared/tables/renewed.ts';
import { type About, rowsOf, type Statements, sized } from './about.ts';

/** The statements on the blocks of all users, and on small content. */
export function blockStatements(about: About): Statements {
  return { ...ofBlocks(about), ...ofPins(about), ...ofContents(about), ...ofSweeps(about) };
}

/** The blocks of all users, and how often they are counted. */
function ofBlocks(about: About): Statements {
  const { user, id, hashes } = about;
  const blocks = sized(hashes);
  const live = {
    state: 'live',
    size_bytes: 1,
    objects: 'there',
    object_versions: null,
    damaged_version: null,
  } as const;
  // One that is counted alone, and one that is counted in slots.
  const countable = new Map(hashes.map((hash, index) => [hash, { hash, hot: index > 0, ...live }]));
  return {
    findBlocks: (sql) => findBlocks(sql, hashes),
    insertPending: (sql) => insertPending(sql, blocks, 'row'),
    markLive: (sql) => markLive(sql, blocks, 'object'),
    lockToRaise: (sql) => lockToRaise(sql, hashes),
    countVersions: (sql) => countVersions(sql, countable, [{ versionId: id, namespaceId: user, hashes }]),
    lowerCounts: (sql) => lowerCounts(sql, hashes),
    findEntries: (sql) => findEntries(sql, hashes),
    filterRaised: (sql) => filterRaised(sql, [id]),
    countedHashes: (sql) => countedHashes(sql, [id]),
    leaveLedger: (sql) => leaveLedger(sql, [id], 'raised'),
    confirmVersions: (sql) => confirmVersions(sql, [id]),
  };
}

/** What uploads hold. */
function ofPins(about: About): Statements {
  const { user, id, hashes } = about;
  const [blocks, key] = [sized(hashes), { userId: user, uploadId: id }];
  return {
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
    verifyPins: (sql) => verifyPins(sql, key, blocks),
    releasePins: (sql) => releasePins(sql, user, [id]),
  };
}

/** Small content and deltas. */
function ofContents(about: About): Statements {
  const rows = rowsOf(about);
  const { user, hashes } = about;
  const contents = hashes.map((hash) => ({ hash, encoded: Buffer.from('encoded'), part: null }));
  const moved = hashes.map((hash) => ({ hash, encoded: null, part: { pack: hash, at: 0, bytes: 1 } }));
  const kept = contents.map((content) => ({ ...content, base: [...hashes] }));
  return {
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
    keepDeltas: (sql) => keepDeltas(rows(sql), kept),
    findDeltas: (sql) => findDeltas(rows(sql), hashes),
    removeOldDeltas: (sql) => removeOldDeltas(rows(sql), 10),
  };
}

/** What the sweep and the audit look for. */
function ofSweeps(about: About): Statements {
  const rows = rowsOf(about);
  const { hashes } = about;
  return {
    collectBlocks: (sql) => collectBlocks(sql, 10, Number.POSITIVE_INFINITY),
    removeExpiredPins: (sql) => removeExpiredPins(sql, 10),
    expireVersions: (sql) => expireVersions(sql, rows(sql), 10),
    forgetChanges: (sql) => forgetChanges(rows(sql), 10),
    listUnsettled: (sql) => listUnsettled(sql, 10),
    listQuarantined: (sql) => listQuarantined(sql, '', 10),
    blocksBetween: (sql) => blocksBetween(sql, hashes[0]!, hashes[1]!),
    countsOf: (sql) => countsOf(sql, hashes),
    openVersions: (sql) => openVersions(sql, hashes),
  };
}
