import { expect, test } from 'vitest';
import { storm } from '../../bench/reconnect/storm.ts';

test.each([
  ['twenty', 20, 60],
  ['a hundred', 100, 140],
])('of clients that lose their sockets at once none starves: %s seconds’ worth of them', async (_, worth, most) => {
  const perSecond = 20;
  const clients = worth * perSecond;
  const { back } = await storm({ clients, perSecond });
  expect(back).toHaveLength(clients);
  expect(back.at(-1)! / 1000).toBeLessThan(most);
});
