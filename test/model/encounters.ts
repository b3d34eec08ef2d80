import type { Action, Remains, Round } from './scenario.ts';

/** Two actors who may get in each other's way, and what was before. */
export interface Encounter {
  readonly crossUser: boolean;
  readonly remains: readonly Remains[];
  readonly before: readonly Round[];
  readonly hours: number;
  readonly actors: readonly [Action, Action];
  /** They differ in what they are called alone: either order shows the same. */
  readonly alike?: true;
}

function upload(
  path: number,
  block: number,
  {
    user = 0,
    device = 0,
    upTo = 'finalize',
  }: { user?: number; device?: number; upTo?: 'init' | 'send' | 'finalize' } = {},
): Action {
  return { do: 'upload', user, device, files: [{ path, blocks: [block] }], upTo, delta: false, stale: false };
}

function save(path: number, block: number, { user = 0 }: { user?: number } = {}): Action {
  return { do: 'save', user, device: 0, files: [{ path, blocks: [block] }], stale: false };
}

const directory: Action = { do: 'save', user: 0, device: 0, files: [{ path: 3, blocks: [] }], stale: false };

const finalizeFirst: Action = { do: 'resume', upload: 0, from: 'finalize', upTo: 'finalize' };
const sweep: Action = { do: 'sweep' };

function round(hours: number, ...actions: Action[]): Round {
  return { hours, actions, switches: [], faults: [] };
}

/** Some uploads, one after the other, with an hour in between. */
function history(...uploads: Action[]): Round[] {
  return uploads.map((each) => round(1, each));
}

const collect: Action = { do: 'collect' };
const expire: Action = { do: 'expire' };
const month = 31 * 24;

/** What collection finds of content 0, which the upload that it meets brings anew. */
function collectionAndUpload(remains: Remains, { crossUser = false } = {}): Encounter {
  return { crossUser, remains: [remains], before: [], hours: 0, actors: [collect, upload(0, 0)] };
}

/** The same of a save, which brings it along. */
function collectionAndSave(remains: Remains): Encounter {
  return { crossUser: false, remains: [remains], before: [], hours: 0, actors: [collect, save(0, 0)] };
}

export const encounters = {
  'collection and an upload of a block that it condemns': collectionAndUpload('live'),
  'collection and an upload of a condemned block': collectionAndUpload('condemned'),
  'collection and an upload of a block that nobody sent': collectionAndUpload('pending'),
  'collection and an upload of a block that is being deleted': collectionAndUpload('deleting'),
  'collection and a proof of having a condemned block': collectionAndUpload('condemned', { crossUser: true }),
  'collection and the end of an upload that took its time': {
    crossUser: true,
    remains: ['live'],
    before: [round(0, upload(0, 0, { upTo: 'send' }))],
    hours: 40,
    actors: [collect, finalizeFirst],
  },
  'collection and a save of a block that it condemns': collectionAndSave('rows'),
  'collection and a save of a block that is being deleted': collectionAndSave('deleting'),
  'a sweep and a save of the last content of a pack': {
    crossUser: false,
    remains: [],
    before: [...history(save(0, 3), save(0, 1)), round(month, sweep)],
    hours: 73,
    actors: [sweep, save(1, 3)],
  },
  'a save and an upload of the same content': {
    crossUser: true,
    remains: [],
    before: [],
    hours: 0,
    actors: [save(0, 0), upload(0, 0, { user: 1 })],
  },
  'a save and its finalize': {
    crossUser: false,
    remains: [],
    before: history(save(0, 0)),
    hours: 0,
    actors: [save(0, 1), { do: 'resume', upload: 1, from: 'finalize', upTo: 'finalize' }],
  },
  'a save and an upload to one path': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1)),
    hours: 0,
    actors: [save(0, 2), upload(0, 3, { device: 1 })],
  },
  'expiry of a version and its restore': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1), upload(0, 2), upload(0, 3), { do: 'relay' }, { do: 'consume', old: 0 }),
    hours: month,
    actors: [expire, { do: 'restore', user: 0, path: 0, version: 2 }],
  },
  'a sweep and an upload with the block of an old version': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1), upload(0, 2)),
    hours: month,
    actors: [sweep, upload(1, 1)],
  },
  'two expiries at once': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1), upload(0, 2), upload(1, 1, { user: 1 })),
    hours: month,
    actors: [expire, expire],
  },
  'two collections at once': {
    crossUser: false,
    remains: ['live', 'condemned', 'pending', 'deleting'],
    before: [],
    hours: 0,
    actors: [collect, collect],
  },
  'one upload finalized twice at once': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 0, { upTo: 'send' })),
    hours: 0,
    actors: [finalizeFirst, finalizeFirst],
  },
  'two uploads to one path': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1)),
    hours: 0,
    actors: [upload(0, 2), upload(0, 3)],
    alike: true,
  },
  'two users with the same new content': {
    crossUser: true,
    remains: [],
    before: [],
    hours: 0,
    actors: [upload(0, 0), upload(0, 0, { user: 1 })],
  },
  'a delete and an upload to the same path': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1)),
    hours: 0,
    actors: [{ do: 'delete', user: 0, path: 0 }, upload(0, 2)],
  },
  'a move and a restore of the same file': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1), upload(0, 2)),
    hours: 0,
    actors: [
      { do: 'move', user: 0, from: 0, to: 1 },
      { do: 'restore', user: 0, path: 0, version: 1 },
    ],
  },
  'a folder that moves and a save in it': {
    crossUser: false,
    remains: [],
    before: history(directory, upload(4, 1)),
    hours: 0,
    actors: [{ do: 'moveFolder', user: 0 }, upload(4, 2)],
  },
  'a folder that moves and what comes into it': {
    crossUser: false,
    remains: [],
    before: history(directory, upload(0, 1)),
    hours: 0,
    actors: [
      { do: 'moveFolder', user: 0 },
      { do: 'move', user: 0, from: 0, to: 4 },
    ],
  },
  'the end of an upload and its finalize': {
    crossUser: false,
    remains: [],
    before: [round(0, upload(0, 0, { upTo: 'send' })), round(71, upload(1, 1, { upTo: 'init' }))],
    hours: 0,
    actors: [finalizeFirst, { do: 'end', hours: 1 }],
  },
  'expiry of a version and the call that made it': {
    crossUser: false,
    remains: [],
    before: [
      ...history(
        upload(0, 1),
        { do: 'delete', user: 0, path: 0 },
        { do: 'restore', user: 0, path: 0, version: 1 },
        { do: 'delete', user: 0, path: 0 },
      ),
      // The answers are forgotten.
      round(73, sweep),
    ],
    hours: month,
    actors: [{ do: 'repeat', call: 1 }, expire],
  },
  'expiry of changes and a device that reads on': {
    crossUser: false,
    remains: [],
    before: [...history(upload(0, 1), upload(1, 2)), round(month, upload(2, 3))],
    hours: 0,
    actors: [{ do: 'changes', user: 0, cursor: 0 }, expire],
  },
  'a relay and an upload': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1)),
    hours: 0,
    actors: [{ do: 'relay' }, upload(0, 2)],
  },
  'two relays at once': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 1), upload(0, 2)),
    hours: 0,
    actors: [{ do: 'relay' }, { do: 'relay' }],
  },
  'an audit and an upload': {
    crossUser: false,
    remains: [],
    before: history(upload(0, 0)),
    hours: 0,
    actors: [{ do: 'audit' }, upload(0, 0, { user: 1 })],
  },
} as const satisfies Record<string, Encounter>;

export type EncounterName = keyof typeof encounters;
