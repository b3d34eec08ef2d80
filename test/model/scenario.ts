import fc from 'fast-check';
import type { FaultKind, Plan } from './scheduler.ts';

/** What one actor does. Numbers that name something count modulo what there is. */
export type Action =
  | {
      do: 'upload';
      user: number;
      device: number;
      files: { path: number; blocks: number[] }[];
      upTo: 'init' | 'send' | 'finalize';
      delta: boolean;
      stale: boolean;
    }
  /** The same with its content in the call; what is missing is sent by an upload under the same id. */
  | { do: 'save'; user: number; device: number; files: { path: number; blocks: number[] }[]; stale: boolean }
  | { do: 'resume'; upload: number; from: 'init' | 'finalize'; upTo: 'init' | 'finalize' }
  | { do: 'delete'; user: number; path: number }
  | { do: 'move'; user: number; from: number; to: number }
  /** The directory, with what is in it. */
  | { do: 'moveFolder'; user: number }
  | { do: 'restore'; user: number; path: number; version: number }
  | { do: 'repeat'; call: number }
  | { do: 'sweep' }
  /** The two steps of a sweep that matter most, alone: what is between two of its statements is met more often. */
  | { do: 'collect' }
  | { do: 'expire' }
  /** Sessions end. */
  | { do: 'end'; hours: number }
  | { do: 'audit' }
  | { do: 'changes'; user: number; cursor: number }
  | { do: 'relay' }
  | { do: 'consume'; old: number };

/** Some time passes, in which no call lives; then actors move at the same time. */
export interface Round extends Plan {
  hours: number;
  actions: Action[];
}

export interface Scenario {
  /** Whether a block may be claimed by proof, as the profile's `dedupScope` says. */
  crossUser: boolean;
  /** How much the clock of the second cluster is ahead. */
  skewMinutes: number;
  /** What there is of each content in the beginning: left by users who are gone, and ready to be collected. */
  remains: Remains[];
  rounds: Round[];
}

/** `rows` is live, without an object, in a row of a user who is gone. */
export type Remains = 'nothing' | 'live' | 'condemned' | 'pending' | 'deleting' | 'rows';

/** Files, and a directory with one in it; where that moves to. */
export const paths = ['a', 'b', 'c', 'dir', 'dir/a'];
export const newFolder = 'new';
const FILES = 3;

/** Few contents, so that everybody wants the same blocks. */
export const CONTENTS = 4;

const user = fc.nat(1);
const path = fc.nat(FILES - 1);
const blocks = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(CONTENTS - 1)), {
  minLength: 1,
  maxLength: 2,
});

const files = fc.uniqueArray(fc.record({ path, blocks }), {
  minLength: 1,
  maxLength: 2,
  selector: (file) => file.path,
});
const stale = fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true));

const upload = fc.record({
  do: fc.constant('upload' as const),
  user,
  device: user,
  files,
  upTo: fc.oneof(
    { weight: 4, arbitrary: fc.constant('finalize' as const) },
    fc.constantFrom('init' as const, 'send' as const),
  ),
  delta: fc.boolean(),
  stale,
});

const save = fc.record({ do: fc.constant('save' as const), user, device: user, files, stale });

const collection = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('collect' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const) }) },
);

/** Mostly uploads: what the others do depends on what there is. */
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 12, arbitrary: upload },
  { weight: 6, arbitrary: save },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      upload: fc.nat(5),
      from: fc.constantFrom('init' as const, 'finalize' as const),
      upTo: fc.constantFrom('init' as const, 'finalize' as const, 'finalize' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('delete' as const), user, path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), user, from: path, to: path }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('restore' as const), user, path, version: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), call: fc.nat(5) }) },
  { weight: 4, arbitrary: collection },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('audit' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('relay' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('consume' as const), old: fc.nat(4) }) },
);

const fault = fc.record({
  actor: fc.nat(2),
  step: fc.oneof(fc.nat(12), fc.nat(40)),
  kind: fc.constantFrom<FaultKind>('crash', 'crash after', 'lost request', 'lost answer'),
});

const round: fc.Arbitrary<Round> = fc.record({
  // The grace of a block and the life of an upload are 72 hours; an old version is kept for 30 days.
  hours: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constant(71) },
    { weight: 2, arbitrary: fc.constant(40) },
    { weight: 4, arbitrary: fc.constant(73) },
    { weight: 3, arbitrary: fc.constant(31 * 24) },
  ),
  actions: fc.oneof(
    fc.array(action, { minLength: 1, maxLength: 3 }),
    // What collection meets is what loses data.
    fc.tuple(collection, action),
    fc.tuple(action, collection, action),
  ),
  switches: fc.array(fc.record({ after: fc.oneof(fc.nat(10), fc.nat(50)), to: fc.nat(1) }), { maxLength: 4 }),
  faults: fc.oneof(fc.constant([]), fc.array(fault, { minLength: 1, maxLength: 2 })),
});

/** Without fast-check's bias to small and repeated values, which here are calls that find nothing to do. */
export const scenario: fc.Arbitrary<Scenario> = fc.noBias(
  fc.record({
    crossUser: fc.boolean(),
    skewMinutes: fc.constantFrom(0, 0, 5, -5),
    remains: fc.array(
      fc.constantFrom<Remains>('nothing', 'nothing', 'live', 'condemned', 'pending', 'deleting', 'rows'),
      {
        minLength: CONTENTS,
        maxLength: CONTENTS,
      },
    ),
    rounds: fc
      .tuple(fc.tuple(upload, upload), fc.array(round, { minLength: 2, maxLength: 6 }))
      .map(([actions, rounds]) => [{ hours: 0, actions, switches: [], faults: [] }, ...rounds]),
  }),
);
