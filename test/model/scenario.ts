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
  | { do: 'resume'; upload: number; from: 'init' | 'finalize' }
  | { do: 'delete'; user: number; path: number }
  | { do: 'move'; user: number; from: number; to: number }
  | { do: 'restore'; user: number; path: number; version: number }
  | { do: 'repeat'; call: number }
  | { do: 'sweep' }
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
  rounds: Round[];
}

export const paths = ['a', 'b', 'c'];

const user = fc.nat(1);
const path = fc.nat(paths.length - 1);
const blocks = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(2)), { minLength: 1, maxLength: 2 });

const upload = fc.record({
  do: fc.constant('upload' as const),
  user,
  device: user,
  files: fc.uniqueArray(fc.record({ path, blocks }), { minLength: 1, maxLength: 2, selector: (file) => file.path }),
  upTo: fc.oneof(
    { weight: 6, arbitrary: fc.constant('finalize' as const) },
    fc.constantFrom('init' as const, 'send' as const),
  ),
  delta: fc.boolean(),
  stale: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, fc.constant(true)),
});

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: upload },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      upload: fc.nat(5),
      from: fc.constantFrom('init' as const, 'finalize' as const),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), user, path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), user, from: path, to: path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('restore' as const), user, path, version: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('repeat' as const), call: fc.nat(5) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('sweep' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('relay' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('consume' as const), old: fc.nat(4) }) },
);

const fault = fc.record({
  actor: fc.nat(2),
  step: fc.oneof(fc.nat(12), fc.nat(60)),
  kind: fc.constantFrom<FaultKind>('crash', 'crash after', 'lost request', 'lost answer'),
});

const round: fc.Arbitrary<Round> = fc.record({
  // The grace of a block and the life of an upload are 72 hours; an old version is kept for 30 days.
  hours: fc.oneof(
    { weight: 8, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.constant(71) },
    { weight: 4, arbitrary: fc.constant(73) },
    { weight: 2, arbitrary: fc.constant(31 * 24) },
  ),
  actions: fc.array(action, { minLength: 1, maxLength: 3 }),
  switches: fc.array(fc.record({ after: fc.oneof(fc.nat(10), fc.nat(50)), to: fc.nat(1) }), { maxLength: 4 }),
  faults: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(fault, { minLength: 1, maxLength: 2 })),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  crossUser: fc.boolean(),
  skewMinutes: fc.constantFrom(0, 0, 5, -5),
  rounds: fc.array(round, { minLength: 1, maxLength: 6 }),
});
