import { beforeEach, expect, test } from 'vitest';
import { Lanes } from '../../client/engine/lanes.ts';

interface Item {
  readonly name: string;
  readonly bytes: number;
  readonly blocks: number;
}

const MIB = 1024 * 1024;
const item = (name: string, bytes: number): Item => ({ name, bytes, blocks: 1 });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let moving: { readonly names: string; end(): void }[];
let lanes: Lanes<Item, object>;
let channels: Set<object>;

beforeEach(() => {
  moving = [];
  channels = new Set();
  const move = (batch: readonly Item[], channel: object): Promise<void> => {
    channels.add(channel);
    const { promise, resolve } = Promise.withResolvers<void>();
    moving.push({ names: batch.map(({ name }) => name).join(), end: resolve });
    return promise;
  };
  lanes = new Lanes(() => ({}), move);
});

const names = (): string[] => moving.map((batch) => batch.names);

test('a note waits for no photograph, and that for no film; each lane has a channel of its own', () => {
  lanes.add([item('film', 4000 * MIB), item('photograph', 20 * MIB), item('note', 100)]);
  expect(names().sort()).toEqual(['film', 'note', 'photograph']);
  expect(channels.size).toBe(3);
});

test('a lane moves its batches, two of small files at a time, as large as its bytes allow, in the order in which things came', async () => {
  lanes.add([item('a', MIB), item('b', MIB)]);
  lanes.add(Array.from({ length: 19 }, (_, index) => item(String(index), MIB)));
  expect(names()).toEqual(['a,b', '0,1,2,3,4,5,6,7']);
  moving[1]!.end();
  await turn();
  expect(names().slice(2)).toEqual(['8,9,10,11,12,13,14,15']);
  lanes.add([item('first', 2 * MIB)]);
  lanes.add([item('second', 2 * MIB)]);
  expect(names().slice(3), 'one batch of larger ones').toEqual(['first']);
});

test('what was taken out before its turn does not move', async () => {
  const [first, second] = [item('first', 2 * MIB), item('second', 2 * MIB)];
  lanes.add([first]);
  lanes.add([second]);
  lanes.remove(second);
  moving[0]!.end();
  await turn();
  expect(names()).toEqual(['first']);
});
