import { expect, test } from 'vitest';
import { Arrived } from '../../../client/service/fetch-bytes.ts';
import { Gate } from '../../../client/service/gate.ts';
import { BlockRooms } from '../../../client/steps/block-rooms.ts';
import { newDownChannel } from '../../../client/steps/channels.ts';

test('a room is lent again once nobody has it, also after a failure', async () => {
  const rooms = new BlockRooms();
  const [first, second] = await Promise.all([rooms.lend(async (room) => room), rooms.lend(async (room) => room)]);
  expect(first).not.toBe(second);
  const failing = rooms.lend(async () => {
    throw new Error('no');
  });
  await expect(failing).rejects.toThrow('no');
  const [one, other] = await Promise.all([rooms.lend(async (room) => room), rooms.lend(async (room) => room)]);
  expect(new Set([one, other])).toEqual(new Set([first, second]));
});

test('what arrived of a block that broke off stays what it is when its room is lent for another', async () => {
  const { beginnings } = newDownChannel(new Gate());
  const room = Buffer.alloc(100);
  const arrived = new Arrived(room);
  arrived.add(Buffer.from('a beginning'));
  beginnings.keep('hash', arrived);
  room.fill('x');
  const goesOn = beginnings.take('hash', room);
  goesOn.add(Buffer.from(' and an end'));
  expect(Buffer.from(goesOn.bytes()).toString()).toBe('a beginning and an end');
  expect(goesOn.received).toBe(22);
  expect(beginnings.take('hash', room).size).toBe(0);
});

test('of a block no more is taken than there is room for', () => {
  const arrived = new Arrived(Buffer.alloc(10));
  arrived.add(Buffer.alloc(10));
  expect(() => arrived.add(Buffer.alloc(1))).toThrow('more arrives than a block has');
});
