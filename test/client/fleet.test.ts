import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plan } from '../../client/plan/plan.ts';
import { same } from '../../client/plan/tree.ts';
import { ancestors, isInside, nameOf, parentOf, pathInside } from '../../protocol/path.ts';
import { contentsOf, DeviceModel, type Edit, edit } from './fleet.ts';
import { ServiceModel } from './service-model.ts';

/** What happens next: a user edits, or a device does a part of its work. */
type Event =
  | { readonly what: 'edit'; readonly edit: Edit }
  /** Any of the folders that are there gets another name, where it is, and the client sees that at once. */
  | { readonly what: 'rename'; readonly folder: number; readonly to: string }
  /** Any of the files that are there gets new content. */
  | { readonly what: 'save'; readonly file: number }
  | { readonly what: 'look' }
  | { readonly what: 'catchUp'; readonly most: number }
  | { readonly what: 'step'; readonly most: number };

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: edit.map((each) => ({ what: 'edit' as const, edit: each })) },
  { weight: 2, arbitrary: fc.constant({ what: 'look' as const }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('catchUp' as const), most: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('step' as const), most: fc.integer({ min: 1, max: 20 }) }) },
);
const historyOf = (events: fc.Arbitrary<Event>, devices: number) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: devices - 1 }), events), { minLength: 1, maxLength: 60, size: 'max' });
const history = (devices: number) => historyOf(event, devices);
const write = (at: string): Event => ({ what: 'edit', edit: { do: 'write', path: at } });

interface Run {
  readonly service: ServiceModel;
  readonly devices: readonly DeviceModel[];
  readonly written: ReadonlySet<string>;
  /** Contents that a user overwrote or deleted on a device that had them. */
  readonly removed: ReadonlySet<string>;
}

function play(count: number, events: readonly (readonly [number, Event])[]): Run {
  const service = new ServiceModel();
  const devices = Array.from({ length: count }, (_, index) => new DeviceModel(`device ${index}`, service));
  const [written, removed] = [new Set<string>(), new Set<string>()];
  let names: FolderNames | undefined;
  for (const [index, next] of events) {
    const device = devices[index]!;
    if (next.what === 'look') device.look();
    else if (next.what === 'catchUp') device.catchUp(next.most);
    else if (next.what === 'step') device.step(next.most);
    else {
      const change = editOf(device, next);
      if (!change) continue;
      if (next.what === 'rename' && change.do === 'move') {
        names ??= new FolderNames(devices);
        if (!names.give(device.disk.get(change.path)!.identity, change.path, change.to)) continue;
      }
      const had = contentsOf(device.disk);
      const gone = device.edit(change, `content ${written.size}`);
      for (const content of contentsOf(device.disk)) if (!had.has(content)) written.add(content);
      for (const content of gone) removed.add(content);
      if (next.what === 'rename') device.look();
    }
  }
  settle(devices);
  return { service, devices, written, removed };
}

function editOf({ disk }: DeviceModel, event: Extract<Event, { what: 'edit' | 'rename' | 'save' }>): Edit | undefined {
  if (event.what === 'edit') return event.edit;
  const pick = (kind: string, number: number): string | undefined => {
    const all = [...disk].filter(([, entry]) => entry.kind === kind).map(([at]) => at);
    return all[number % all.length];
  };
  if (event.what === 'save') {
    const file = pick('file', event.file);
    return file === undefined ? undefined : { do: 'write', path: file };
  }
  const folder = pick('directory', event.folder);
  if (folder === undefined) return undefined;
  const to = pathInside(parentOf(folder), event.to);
  // One that is empty, or holds an empty one, is the user's own from then on.
  const isEmpty = emptyFolders(disk).some((empty) => empty === folder || isInside(empty, folder));
  return disk.has(to) || isEmpty ? undefined : { do: 'move', path: folder, to };
}

/**
 * The names of folders that are there from the beginning, whoever renames them. A device renames those only that have the
 * latest name on it: names that two devices give one folder at once are both kept, with all in them.
 */
class FolderNames {
  readonly #folders = new Map<string, string>();
  readonly #latest = new Map<string, string>();

  constructor(devices: readonly DeviceModel[]) {
    for (const { disk } of devices) {
      for (const [at, { kind, identity }] of disk) if (kind === 'directory') this.#folders.set(identity, at);
    }
  }

  /** Takes the new name over, if the device may give it. */
  give(identity: string, from: string, to: string): boolean {
    const folder = this.#folders.get(identity);
    if (folder === undefined || (this.#latest.get(folder) ?? nameOf(folder)) !== nameOf(from)) return false;
    this.#latest.set(folder, nameOf(to));
    return true;
  }
}

/** Lets the devices work in turn until none has anything to do. A plan that undoes another never gets there. */
function settle(devices: readonly DeviceModel[]): void {
  for (let round = 0; round < 40; round++) {
    const work = devices.map((device) => {
      device.look();
      device.catchUp();
      return device.step();
    });
    if (work.every((steps) => steps === 0)) return;
  }
  throw new Error('still not settled after 40 rounds');
}

/** Events in which users do nothing but rename folders and save files that are there, while plans are carried out whole. */
const renames: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({ folder: fc.nat(), to: fc.constantFrom('a', 'b', 'c', 'd', 'e') })
      .map((rename) => ({ what: 'rename' as const, ...rename })),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('save' as const), file: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ what: 'look' as const }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('catchUp' as const), most: fc.constant(1000) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('step' as const), most: fc.constant(1000) }) },
);

/** The folders that hold nothing, not even other folders. */
function emptyFolders(entries: ReadonlyMap<string, { readonly kind: string }>): string[] {
  const parents = new Set([...entries.keys()].flatMap(ancestors));
  return [...entries].filter(([at, { kind }]) => kind === 'directory' && !parents.has(at)).map(([at]) => at);
}

/** All devices have two folders, with folders in them, before anything else happens. */
const foldersFor = (count: number): (readonly [number, Event])[] => [
  ...['a/x', 'a/s/x', 'b/x', 'b/s/x'].map((at) => [0, write(at)] as const),
  [0, { what: 'look' }],
  [0, { what: 'step', most: 1000 }],
  ...Array.from({ length: count }, (_, index) => [
    [index, { what: 'catchUp', most: 1000 }] as const,
    [index, { what: 'step', most: 1000 }] as const,
  ]).flat(),
];

for (const count of [2, 3]) {
  test(`${count} devices, one of which renames folders while all save files, leave no empty folder behind`, () => {
    const one = historyOf(renames, count).map((events) =>
      events.filter(([index, { what }]) => what !== 'rename' || index === 0),
    );
    fc.assert(
      fc.property(one, (events) => {
        expect(emptyFolders(play(count, [...foldersFor(count), ...events]).service.entries)).toEqual([]);
      }),
      { numRuns: 1000, seed: 8104 + count },
    );
  });

  test(`${count} devices, all of which rename folders and save files, leave no empty folder behind`, () => {
    // Each by names of its own: folders that come to one name on two devices are one from then on.
    const own = historyOf(renames, count).map((events) =>
      events.map(
        ([index, next]) => [index, next.what === 'rename' ? { ...next, to: `${next.to}${index}` } : next] as const,
      ),
    );
    fc.assert(
      fc.property(own, (events) => {
        expect(emptyFolders(play(count, [...foldersFor(count), ...events]).service.entries)).toEqual([]);
      }),
      { numRuns: Number(process.env.RENAME_RUNS ?? 2000), seed: 7104 + count },
    );
  });

  test(`${count} devices, all of which rename folders, leave no empty folder behind`, () => {
    const all = historyOf(renames, count).map((events) => events.filter(([, { what }]) => what !== 'save'));
    fc.assert(
      fc.property(all, (events) => {
        expect(emptyFolders(play(count, [...foldersFor(count), ...events]).service.entries)).toEqual([]);
      }),
      { numRuns: 1000, seed: 9104 + count },
    );
  });

  test(`${count} devices edited at random agree with the service, and nothing is left to plan`, () => {
    fc.assert(
      fc.property(history(count), (events) => {
        const { service, devices } = play(count, events);
        for (const device of devices) {
          const paths = [...service.entries.keys()].sort();
          expect([...device.disk.keys()].sort()).toEqual(paths);
          expect([...device.synced.keys()].sort()).toEqual(paths);
          for (const at of paths) expect(same(device.disk.get(at), service.entries.get(at)), at).toBe(true);
          expect(plan(device, { conflictPath: (at) => at })).toEqual([]);
        }
      }),
      { numRuns: 2000, seed: 2026 + count },
    );
  });

  test(`${count} devices edited at random: what no user removed is there at the end`, () => {
    fc.assert(
      fc.property(history(count), (events) => {
        const { service, written, removed } = play(count, events);
        const kept = contentsOf(service.entries);
        for (const content of written) if (!removed.has(content)) expect(kept).toContain(content);
      }),
      { numRuns: 2000, seed: 4052 + count },
    );
  });

  test(`${count} devices edited at random: a disk gives up only what the history holds`, () => {
    fc.assert(
      fc.property(history(count), (events) => {
        const { service, devices } = play(count, events);
        for (const device of devices) for (const content of device.taken) expect(service.history).toContain(content);
      }),
      { numRuns: 2000, seed: 6078 + count },
    );
  });
}

test('a folder that one device took out of the name that another one gave it at once is not left empty under that', () => {
  const move = (index: number, path: string, to: string): (readonly [number, Event])[] => [
    [index, { what: 'edit', edit: { do: 'move', path, to } }],
    [index, { what: 'look' }],
  ];
  const step = (index: number): readonly [number, Event] => [index, { what: 'step', most: 1000 }];
  const events = [
    ...move(1, 'a/s', 'a/a'),
    ...move(0, 'a', 'd'),
    ...move(0, 'b/s', 'b/a'),
    ...move(1, 'b', 'd'),
    ...[step(1), step(0)],
    ...move(1, 'd', 'b'),
    ...[step(0), step(1)],
    ...move(0, 'b', 'e'),
    step(0),
  ];
  const { service } = play(2, [...foldersFor(2), ...events]);
  expect(emptyFolders(service.entries)).toEqual([]);
});
