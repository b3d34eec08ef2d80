import { toEvent } from '../../../../lambdas/shared/commit/event.ts';
import { comesBy } from '../../../../lambdas/shared/runtime/request.ts';
import { changeBounds, lockAccount } from '../../../../lambdas/shared/tables/accounts.ts';
import { bookCommits } from '../../../../lambdas/shared/tables/book-commits.ts';
import { insertFolderChanges, listChanges } from '../../../../lambdas/shared/tables/changes.ts';
import {
  forgetRevoked,
  listDevices,
  putDevice,
  requireDevice,
  revokeDevices,
} from '../../../../lambdas/shared/tables/devices.ts';
import {
  findTreeHash,
  itemsInPages,
  listDirectory,
  listItems,
  listStale,
} from '../../../../lambdas/shared/tables/directories.ts';
import {
  filterParents,
  findObstacles,
  findTargets,
  isWholeFolder,
  leavePaths,
  listFolder,
  moveFolderFiles,
  sizeOfFolder,
} from '../../../../lambdas/shared/tables/files.ts';
import { filterHeld, listHeld } from '../../../../lambdas/shared/tables/held-blocks.ts';
import type { NewVersion } from '../../../../lambdas/shared/tables/new-versions.ts';
import { findStanding } from '../../../../lambdas/shared/tables/open-uploads.ts';
import {
  filledOutboxes,
  isRelayOnItsWay,
  oldestEvent,
  removeEvents,
  takeEvents,
} from '../../../../lambdas/shared/tables/outbox.ts';
import { findAnswer } from '../../../../lambdas/shared/tables/requests.ts';
import { bindSignIn, endSignIns, listSignIns, requireSignIn } from '../../../../lambdas/shared/tables/sign-ins.ts';
import {
  findUpload,
  findUploadFiles,
  removeExpiredUploads,
  requireAnswers,
} from '../../../../lambdas/shared/tables/uploads.ts';
import {
  filterVersions,
  findVersions,
  highestVersion,
  insertMovedVersions,
  listHistory,
  supersedeVersions,
} from '../../../../lambdas/shared/tables/versions.ts';
import { writeVersions } from '../../../../lambdas/shared/tables/write-versions.ts';
import { type About, rowsOf, type Statements, sized } from './about.ts';

/** The statements on the tables of a shard. */
export function shardStatements(about: About): Statements {
  return { ...ofUsers(about), ...ofTree(about), ...ofCommits(about), ...ofUploads(about) };
}

/** Who calls. */
function ofUsers(about: About): Statements {
  const rows = rowsOf(about);
  const { id } = about;
  return {
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
  };
}

/** What reads the tree and its history. */
function ofTree(about: About): Statements {
  const rows = rowsOf(about);
  const { id, hashes, paths, folder, cursor } = about;
  return {
    findTargets: (sql) => findTargets(rows(sql), paths),
    findObstacles: (sql) => findObstacles(rows(sql), { places: paths, above: paths, except: paths }),
    filterParents: (sql) => filterParents(rows(sql), paths, paths),
    sizeOfFolder: (sql) => sizeOfFolder(rows(sql), folder),
    listFolder: (sql) => listFolder(rows(sql), folder),
    isWholeFolder: (sql) => isWholeFolder(rows(sql), folder, [{ file_id: id, version: 1 }]),
    highestVersion: (sql) => highestVersion(rows(sql), paths[0]),
    findVersions: (sql) => findVersions(rows(sql), [{ path: paths[0] }, { path: paths[1], version: 1 }]),
    listHistory: (sql) => listHistory(rows(sql), paths[0], { before: undefined, limit: 10 }),
    filterVersions: (sql) => filterVersions(rows(sql), [id]),
    listChanges: (sql) => listChanges(rows(sql), { cursor, limit: 10 }),
    filterHeld: (sql) => filterHeld(rows(sql), hashes),
    listHeld: (sql) => listHeld(rows(sql), '', 10),
    listStale: (sql) => listStale(rows(sql), folder, 10),
    listItems: (sql) => listItems(rows(sql), [folder]),
    itemsInPages: (sql) => itemsInPages(rows(sql), folder).next(),
    findTreeHash: (sql) => findTreeHash(rows(sql), folder),
    listDirectory: (sql) => listDirectory(rows(sql), folder, { after: paths[0], limit: 10 }),
  };
}

/** What changes the tree, and what the relay does for it. */
function ofCommits(about: About): Statements {
  const rows = rowsOf(about);
  const { user, id, hashes, folder, cursor } = about;
  const blocks = sized(hashes);
  const version: NewVersion = {
    ...{ versionId: id, fileId: id, version: 1, changeType: 'create', path: `${folder}/new`, kind: 'file' },
    ...{ hashes: [...hashes], sizes: [1, 1], size: 2, mtimeMs: 1, mode: 0o644 },
  };
  const event = toEvent(version, { namespaceId: user, deviceId: id, cursor, timestamp: 1 });
  return {
    bookCommits: (sql) =>
      bookCommits(rows(sql), blocks, ['', folder], { used: 1, reserved: 0, kept: 0, entries: 1, changes: 1 }),
    writeVersions: (sql) => writeVersions(rows(sql), [{ version, event }], id),
    leavePaths: (sql) => leavePaths(rows(sql), [id]),
    supersedeVersions: (sql) => supersedeVersions(rows(sql), [id]),
    moveFolderFiles: (sql) => moveFolderFiles(rows(sql), { from: folder, to: 'elsewhere', version: 2 }),
    insertMovedVersions: (sql) => insertMovedVersions(rows(sql), { fileIds: [id], versionIds: [id] }, id),
    insertFolderChanges: (sql) => insertFolderChanges(rows(sql), [id], { from: folder, to: 'elsewhere', first: 1 }),
    filledOutboxes: (sql) => filledOutboxes([rows(sql)]),
    oldestEvent: (sql) => oldestEvent([rows(sql)]),
    takeEvents: (sql) => takeEvents(rows(sql), { limit: 500, maxBytes: 900_000 }),
    isRelayOnItsWay: (sql) => isRelayOnItsWay(rows(sql), [cursor]),
    removeEvents: (sql) => removeEvents(rows(sql), [event]),
  };
}

/** Uploads and answers. */
function ofUploads(about: About): Statements {
  const rows = rowsOf(about);
  const { id, paths } = about;
  return {
    findUpload: (sql) => findUpload(rows(sql), id),
    findUploadFiles: (sql) => findUploadFiles(rows(sql), id),
    findAnswer: (sql) => findAnswer(rows(sql), id),
    findStanding: (sql) => findStanding(rows(sql), id, { deviceId: id, paths }),
    requireAnswers: (sql) => requireAnswers(rows(sql), id).catch(() => {}),
    removeExpiredUploads: (sql) => removeExpiredUploads(rows(sql), 10),
  };
}
