import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import { SMALL_BYTES } from '../steps/newcomers.ts';

const MIB = 1024 * 1024;

/**
 * Files up to `most` bytes go in a lane, as many at a time as `batch` bytes hold; one that alone is larger goes alone. Of
 * small files two batches are under way, so that the link carries the next while one is written.
 */
const lanes = [
  { most: SMALL_BYTES, batch: 8 * MIB, atOnce: 2 },
  { most: 32 * MIB, batch: 64 * MIB, atOnce: 1 },
  { most: Number.POSITIVE_INFINITY, batch: 64 * MIB, atOnce: 1 },
];

/** What travels in a lane. */
interface Weighed {
  readonly bytes: number;
  readonly blocks: number;
}

/**
 * The way that content takes in one direction, in lanes by size: a note does not wait for a photograph, nor that for a
 * film. Each lane has a channel of its own and moves its batches in the order in which things came.
 */
export class Lanes<Item extends Weighed, Channel> {
  readonly #lanes: readonly Lane<Item>[];

  /** @param move moves a batch, and never rejects */
  constructor(newChannel: () => Channel, move: (batch: readonly Item[], channel: Channel) => Promise<void>) {
    this.#lanes = lanes.map((limits) => {
      const channel = newChannel();
      return new Lane(limits, (items: readonly Item[]) => move(items, channel));
    });
  }

  add(items: readonly Item[]): void {
    for (const item of items) this.#laneOf(item).wait(item);
    for (const lane of this.#lanes) lane.go();
  }

  /** Takes something out that waits. */
  remove(item: Item): void {
    this.#laneOf(item).leave(item);
  }

  #laneOf({ bytes }: Item): Lane<Item> {
    return this.#lanes[lanes.findIndex(({ most }) => bytes <= most)]!;
  }
}

type LaneLimits = Pick<(typeof lanes)[number], 'batch' | 'atOnce'>;

class Lane<Item extends Weighed> {
  readonly #limits: LaneLimits;
  readonly #move: (batch: readonly Item[]) => Promise<void>;
  readonly #waiting = new Set<Item>();
  #moving = 0;

  constructor(limits: LaneLimits, move: (batch: readonly Item[]) => Promise<void>) {
    this.#limits = limits;
    this.#move = move;
  }

  wait(item: Item): void {
    this.#waiting.add(item);
  }

  leave(item: Item): void {
    this.#waiting.delete(item);
  }

  go(): void {
    while (this.#moving < this.#limits.atOnce) {
      const next = batched(
        this.#waiting,
        { most: limits.filesPerCall },
        { most: this.#limits.batch, of: ({ bytes }) => bytes },
        { most: limits.blocksPerCall, of: ({ blocks }) => blocks },
      ).next();
      if (next.done) return;
      for (const item of next.value) this.#waiting.delete(item);
      this.#moving++;
      void this.#move(next.value).finally(() => {
        this.#moving--;
        this.go();
      });
    }
  }
}
