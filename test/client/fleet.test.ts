import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plan } from '../../client/plan.ts';
import { same } from '../../client/tree.ts';
import { contentsOf, DeviceModel, type Edit, ServiceModel } from './fleet.ts';

/** What happens next: a user edits, or a device does a part of its work. */
type Event =
  | { readonly what: 'edit'; readonly edit: Edit }
  | { readonly what: 'look' }
  | { readonly what: 'catchUp'; readonly most: number }
  | { readonly what: 'step'; readonly most: number };

const name = fc.constantFrom('a', 'b', 'c');
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete' as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), path, to: path }) },
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 3, arbitrary: edit.map((each) => ({ what: 'edit' as const, edit: each })) },
  { weight: 2, arbitrary: fc.constant({ what: 'look' as const }) },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('catchUp' as const), most: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('step' as const), most: fc.integer({ min: 1, max: 20 }) }) },
);
const history = (devices: number) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: devices - 1 }), event), { minLength: 1, maxLength: 60, size: 'max' });

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
  for (const [index, next] of events) {
    const device = devices[index]!;
    if (next.what === 'look') device.look();
    else if (next.what === 'catchUp') device.catchUp(next.most);
    else if (next.what === 'step') device.step(next.most);
    else {
      const had = contentsOf(device.disk);
      const gone = device.edit(next.edit, `content ${written.size}`);
      for (const content of contentsOf(device.disk)) if (!had.has(content)) written.add(content);
      for (const content of gone) removed.add(content);
    }
  }
  settle(devices);
  return { service, devices, written, removed };
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

for (const count of [2, 3]) {
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
