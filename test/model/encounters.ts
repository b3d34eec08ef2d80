import { play } from './run.ts';
import type { Action, Remains, Round, Scenario } from './scenario.ts';
import type { Plan } from './scheduler.ts';
import type { World } from './world.ts';

/** Two actors who may get in each other's way, and what was before. */
interface Encounter {
  readonly crossUser: boolean;
  readonly remains: readonly Remains[];
  readonly before: readonly Round[];
  readonly hours: number;
  readonly actors: readonly [Action, Action];
}

function upload(
  path: number,
  block: number,
  { user = 0, upTo = 'finalize' }: { user?: number; upTo?: 'init' | 'send' | 'finalize' } = {},
): Action {
  return { do: 'upload', user, device: 0, files: [{ path, blocks: [block] }], upTo, delta: false, stale: false };
}

const finalizeFirst: Action = { do: 'resume', upload: 0, from: 'finalize', upTo: 'finalize' };

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
    actors: [{ do: 'sweep' }, upload(1, 1)],
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

/**
 * Plays every interleaving in which the turn passes once from the first actor to the second, at each of the first's
 * steps, and every one in which the first crashes, or loses an answer, at each of its steps and the second comes after it.
 * Few lost blocks need more than one switch at the wrong place (Musuvathi and Qadeer: Iterative Context Bounding, PLDI
 * 2007); scenarios that are drawn at random have more. Answers how many it played.
 */
export async function explore(world: World, name: EncounterName): Promise<number> {
  const { actors, before, hours, ...rest }: Encounter = encounters[name];
  const meet = async (plan: Plan): Promise<number[]> => {
    const rounds = [...before, { hours, actions: [...actors], ...plan }];
    const scenario: Scenario = { ...rest, remains: [...rest.remains], skewMinutes: 5, rounds };
    try {
      return await play(world, scenario);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(`${message}\n${name}, with ${JSON.stringify(plan)}`, { cause: error });
    }
  };
  const [steps = 0] = await meet({ switches: [], faults: [] });
  let played = 1;
  for (let step = 0; step < steps; step++) {
    const plans: Plan[] = [
      { switches: [{ after: step, to: 0 }], faults: [] },
      { switches: [], faults: [{ actor: 0, step, kind: 'crash' }] },
      { switches: [], faults: [{ actor: 0, step, kind: 'lost answer' }] },
    ];
    for (const plan of plans) await meet(plan);
    played += plans.length;
  }
  return played;
}
