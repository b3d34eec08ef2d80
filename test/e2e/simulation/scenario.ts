import fc from 'fast-check';

/** What a user does in his folder. */
export type Edit =
  | { readonly do: 'write'; readonly path: string; readonly kilobytes: number }
  | { readonly do: 'append'; readonly path: string }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string };

/** What happens to a call of a device. */
export const fates = [
  'loses the call',
  'loses the answer',
  'cuts the answer',
  'repeats',
  'is late',
  'throttles',
  'gets no answer',
  'stands still',
] as const;

type WayOf = 'api' | 'store' | 'cdn';

interface NetworkFault {
  readonly way: WayOf;
  readonly route: string;
  readonly fate: (typeof fates)[number];
  /** Whether nothing comes through any more afterwards. */
  readonly isGone: boolean;
}

interface DiskFault {
  readonly call: 'write' | 'create' | 'rename' | 'unlink' | 'fsync' | 'mkdir';
  readonly nth: number;
  readonly error: 'ENOSPC' | 'EIO' | 'short' | 'slow';
  readonly times: number | null;
  /** Where: only in what the user sees, or in what the client keeps as well. */
  readonly where: 'files' | 'all';
}

/** What a user does while a device syncs: at a call of it, since a program does what it does between two calls at once. */
interface Meanwhile {
  readonly way: WayOf;
  readonly route: string;
  readonly nth: number;
  /** Before the service has the call, or once it has answered and the device does not know it yet. */
  readonly when: 'asked' | 'answered';
  readonly edits: readonly Edit[];
}

/** One device syncs. */
export interface Run {
  readonly who: number;
  readonly network?: NetworkFault | undefined;
  /** On the device whose disk can fail. */
  readonly disk?: DiskFault | undefined;
  /** Comes after the run when there is no such call. */
  readonly meanwhile?: Meanwhile | undefined;
  /** It is stopped after so many milliseconds, wherever it is. */
  readonly stopMs?: number | undefined;
  /** It goes on for so long when all is in sync, in place of ending then. */
  readonly stays?: Stay | undefined;
}

/** A device syncs for a while. */
export interface Stay {
  readonly seconds: number;
  /** What its user does after half of that. */
  readonly edits: readonly Edit[];
  /** Of the events of its folder: of `some` others get lost, or come late and so in another order. */
  readonly hears: 'all' | 'some' | 'nothing';
}

export type Step =
  | { readonly do: 'edit'; readonly who: number; readonly edits: readonly Edit[] }
  /** Devices sync at the same time. */
  | { readonly do: 'sync'; readonly runs: readonly Run[] }
  /** A copy of the disk is kept. */
  | { readonly do: 'keep'; readonly who: number }
  /** The machine comes back with the copy that was kept last. */
  | { readonly do: 'bring back'; readonly who: number }
  /** Time passes, and what is old is collected. */
  | { readonly do: 'pass'; readonly hours: number };

export interface Scenario {
  readonly devices: number;
  /** Of what devices leave to chance, such as how long they wait before they try again. */
  readonly chance?: number;
  readonly steps: readonly Step[];
}

const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 2 }).map((names) => names.join('/'));
const some = <Value>(weight: number, arbitrary: fc.Arbitrary<Value>) => ({ weight, arbitrary });
const maybe = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

/** At few enough paths that edits meet. */
export const anEdit: fc.Arbitrary<Edit> = fc.oneof(
  // What lies in a row of the database, in a pack, and in an object.
  some(5, fc.record({ do: fc.constant('write' as const), path, kilobytes: fc.constantFrom(0, 0, 1, 40, 300) })),
  some(2, fc.record({ do: fc.constant('append' as const), path })),
  some(1, fc.record({ do: fc.constant('remove' as const), path })),
  some(2, fc.record({ do: fc.constant('move' as const), path, to: path })),
);

const onApi = ['POST /save', 'POST /finalize', 'POST /move', 'POST /delete', 'POST /upload-init', 'GET /changes', ''];
const network: fc.Arbitrary<NetworkFault> = fc.record({
  way: fc.constantFrom('api', 'api', 'api', 'store', 'cdn'),
  route: fc.constantFrom(...onApi),
  fate: fc.constantFrom(...fates),
  isGone: fc.boolean(),
});
const disk: fc.Arbitrary<DiskFault> = fc.record({
  call: fc.constantFrom('write', 'write', 'write', 'create', 'rename', 'unlink', 'fsync', 'mkdir'),
  nth: fc.integer({ min: 1, max: 4 }),
  error: fc.constantFrom('ENOSPC', 'EIO', 'short', 'slow'),
  times: fc.constantFrom(1, 3, null),
  where: fc.constantFrom('files', 'files', 'all'),
});

const edits = fc.array(anEdit, { minLength: 1, maxLength: 4 });
const meanwhile: fc.Arbitrary<Meanwhile> = fc.record({
  way: fc.constantFrom('api', 'api', 'api', 'store', 'cdn'),
  route: fc.constantFrom('GET /changes', 'POST /save', 'POST /upload-init', 'POST /move', ''),
  nth: fc.integer({ min: 1, max: 3 }),
  when: fc.constantFrom('asked', 'answered'),
  edits,
});

/**
 * So long that the folder is looked at after half of it, whatever is heard of it and whatever the first calls take: a look
 * follows the one before after a minute (`client/engine/clock.ts`).
 */
export const LONG_SECONDS = 290;

const stays: fc.Arbitrary<Stay> = fc.record({
  seconds: fc.constantFrom(3, 20, LONG_SECONDS),
  edits: fc.oneof(fc.constant([]), edits),
  hears: fc.constantFrom('all', 'some', 'some', 'nothing'),
});

const stepOf = (devices: number): fc.Arbitrary<Step> => {
  const who = fc.nat({ max: devices - 1 });
  const run = fc.record({
    ...{ who, network: maybe(network), disk: maybe(disk), meanwhile: maybe(meanwhile) },
    ...{ stopMs: maybe(fc.nat({ max: 300 })), stays: fc.oneof(some(5, fc.constant(undefined)), some(1, stays)) },
  });
  const runs = fc.uniqueArray(run, { selector: (one) => one.who, minLength: 1, maxLength: devices });
  return fc.oneof(
    some(6, fc.record({ do: fc.constant('edit' as const), who, edits })),
    some(6, fc.record({ do: fc.constant('sync' as const), runs })),
    some(1, fc.record({ do: fc.constant('keep' as const), who })),
    some(1, fc.record({ do: fc.constant('bring back' as const), who })),
    some(1, fc.record({ do: fc.constant('pass' as const), hours: fc.constantFrom(1, 80, 800) })),
  );
};

/** Every edit is a step, so that each can be left out. */
export function singly(life: Scenario): Scenario {
  const steps = life.steps.flatMap((step): readonly Step[] =>
    step.do === 'edit' ? step.edits.map((edit) => ({ ...step, edits: [edit] })) : [step],
  );
  return { ...life, steps };
}

export const scenario: fc.Arbitrary<Scenario> = fc.integer({ min: 2, max: 4 }).chain((devices) =>
  fc.record({
    devices: fc.constant(devices),
    chance: fc.nat(),
    steps: fc.array(stepOf(devices), { minLength: 6, maxLength: 16 }),
  }),
);
