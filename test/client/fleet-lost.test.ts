import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { plan } from '../../client/plan/plan.ts';
import { same } from '../../client/plan/tree.ts';
import { contentsOf, DeviceModel, type Edit, edit, type Loss } from './fleet.ts';
import { ServiceModel } from './service-model.ts';

/*
 * Devices whose calls get lost, or their answers, at random: as the engine they settle what has no answer before they
 * read the changes and plan. LOST_RUNS plays more histories.
 */

const numRuns = Number(process.env.LOST_RUNS ?? 800);

type Event =
  | { readonly what: 'edit'; readonly edit: Edit }
  | { readonly what: 'round' }
  /** What becomes of the next calls of the device. */
  | { readonly what: 'lose'; readonly losses: readonly (Loss | undefined)[] }
  | { readonly what: 'arrive' }
  /** The service forgets its answers and open uploads. */
  | { readonly what: 'forget' };

const loss = fc.constantFrom<(Loss | undefined)[]>('unanswered', 'lost', 'late', undefined);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: edit.map((each) => ({ what: 'edit' as const, edit: each })) },
  { weight: 6, arbitrary: fc.constant({ what: 'round' as const }) },
  { weight: 4, arbitrary: fc.array(loss, { maxLength: 4 }).map((losses) => ({ what: 'lose' as const, losses })) },
  { weight: 1, arbitrary: fc.constant({ what: 'arrive' as const }) },
  { weight: 1, arbitrary: fc.constant({ what: 'forget' as const }) },
);
const history = (devices: number) =>
  fc.array(fc.tuple(fc.integer({ min: 0, max: devices - 1 }), event), { minLength: 1, maxLength: 60, size: 'max' });

class Fleet {
  readonly service = new ServiceModel();
  readonly devices: readonly DeviceModel[];
  readonly written = new Set<string>();
  /** Contents that a user overwrote or deleted on a device that had them. */
  readonly removed = new Set<string>();

  constructor(count: number) {
    this.devices = Array.from({ length: count }, (_, index) => new DeviceModel(`device ${index}`, this.service));
  }

  play(index: number, next: Event): void {
    const device = this.devices[index]!;
    if (next.what === 'round') this.#round(device);
    else if (next.what === 'lose') device.losses.push(...next.losses);
    else if (next.what === 'arrive') this.service.receive();
    else if (next.what === 'forget') this.service.forget();
    else {
      const had = contentsOf(device.disk);
      const gone = device.edit(next.edit, `content ${this.written.size}`);
      for (const content of contentsOf(device.disk)) if (!had.has(content)) this.written.add(content);
      for (const content of gone) this.removed.add(content);
    }
  }

  #round(device: DeviceModel): number {
    device.look();
    return device.catchUp() ? device.step() : 1;
  }

  /** All answers come again, and the devices work in turn until none has anything to do. */
  settle(): void {
    this.service.receive();
    for (const device of this.devices) {
      device.losses.length = 0;
      device.catchUp();
    }
    for (let round = 0; round < 40; round++) {
      if (this.devices.map((device) => this.#round(device)).every((steps) => steps === 0)) return;
    }
    throw new Error('still not settled after 40 rounds');
  }
}

describe('whatever becomes of calls and answers', () => {
  test('what one device has is what its user made of it, at every moment, and the service comes to it', () => {
    fc.assert(
      fc.property(history(1), (events) => {
        const fleet = new Fleet(1);
        const [device] = fleet.devices;
        for (const [index, next] of [...events, [0, { what: 'round' }] as const]) {
          const before = [...device!.disk];
          fleet.play(index, next);
          if (next.what !== 'edit') expect([...device!.disk], 'I50: what the user made').toEqual(before);
        }
        const before = [...device!.disk.keys()].sort();
        fleet.settle();
        expect([...device!.disk.keys()].sort(), 'I50: what the user made').toEqual(before);
        expect([...fleet.service.entries.keys()].sort()).toEqual(before);
        for (const [at, entry] of fleet.service.entries) expect(same(entry, device!.disk.get(at)), at).toBe(true);
      }),
      { numRuns, seed: 1501 },
    );
  });

  test('a device on which nobody works follows one on which somebody does', () => {
    fc.assert(
      fc.property(history(2), (events) => {
        const fleet = new Fleet(2);
        for (const [index, next] of events) if (index === 0 || next.what !== 'edit') fleet.play(index, next);
        const before = [...fleet.devices[0]!.disk.keys()].sort();
        fleet.settle();
        for (const { disk } of fleet.devices) expect([...disk.keys()].sort(), 'I50: names').toEqual(before);
        for (const [at, entry] of fleet.devices[0]!.disk)
          expect(same(entry, fleet.devices[1]!.disk.get(at)), at).toBe(true);
      }),
      { numRuns, seed: 1502 },
    );
  });

  test('two devices come to the same, with all that no user removed', () => {
    fc.assert(
      fc.property(history(2), (events) => {
        const fleet = new Fleet(2);
        for (const [index, next] of events) fleet.play(index, next);
        fleet.settle();
        const { service, devices, written, removed } = fleet;
        for (const device of devices) {
          expect([...device.disk.keys()].sort()).toEqual([...service.entries.keys()].sort());
          for (const [at, entry] of service.entries) expect(same(entry, device.disk.get(at)), at).toBe(true);
          expect(plan(device, { conflictPath: (at) => at })).toEqual([]);
          for (const content of device.taken) expect(service.history).toContain(content);
        }
        const kept = contentsOf(service.entries);
        for (const content of written) if (!removed.has(content)) expect(kept).toContain(content);
      }),
      { numRuns, seed: 1503 },
    );
  });
});
