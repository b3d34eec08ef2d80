import { expect, test } from 'vitest';
import { FileRefused } from '../../client/common/errors.ts';
import { TryAgain } from '../../client/common/retry.ts';
import { StoreUnreachable } from '../../client/service/errors.ts';
import { Gate } from '../../client/service/gate.ts';

/* A store that refuses, by a time that the test sets. */

const MINUTE = 60_000;
let now = 0;
const refused = async (): Promise<never> => {
  throw new FileRefused('store_refused', 'the block store refused the upload (403)');
};

test('a store that refuses everything is asked once, and then less and less often', async () => {
  const gate = new Gate({ now: () => now });
  const asked: number[] = [];
  for (now = 0; now < 60 * MINUTE; now += 1000) {
    await gate
      .pass(() => {
        asked.push(now / MINUTE);
        return refused();
      })
      .catch(() => undefined);
  }
  expect(asked).toEqual([0, 1, 3, 7, 15, 31]);
});

test('the more went out with the first, the longer the store is left alone', async () => {
  const gate = new Gate({ now: () => now });
  await Promise.allSettled([gate.pass(refused), gate.pass(refused), gate.pass(refused)]);
  const after = 4 * MINUTE;
  await expect(gate.pass(refused)).rejects.toMatchObject({ code: 'unavailable', after });
});

test('what waits says why, and for how long', async () => {
  const gate = new Gate({ now: () => now });
  await gate.pass(refused).catch(() => undefined);
  now += 20_000;
  const waiting = gate.pass(async () => 'sent');
  await expect(waiting).rejects.toMatchObject({
    code: 'unavailable',
    message: 'the block store refused the upload (403)',
    after: 40_000,
  });
});

test('one tries for all, and all go when it was taken', async () => {
  const gate = new Gate({ now: () => now });
  await gate.pass(refused).catch(() => undefined);
  now += MINUTE;
  const { promise, resolve } = Promise.withResolvers<string>();
  const trial = gate.pass(() => promise);
  await expect(gate.pass(async () => 'sent')).rejects.toThrow('refused');
  resolve('taken');
  expect(await trial).toBe('taken');
  expect(gate.isClosed).toBe(false);
  expect(await gate.pass(async () => 'sent')).toBe('sent');
});

test('any other failure closes nothing', async () => {
  const gate = new Gate({ now: () => now });
  await gate
    .pass(async () => {
      throw new Error('no network');
    })
    .catch(() => undefined);
  expect(gate.isClosed).toBe(false);
});

test('it is told that a store is back that refused, or did not answer', async () => {
  let back = 0;
  const gate = new Gate({ now: () => now, onBack: () => back++ });
  const taken = async (): Promise<void> => undefined;
  const lost = async (): Promise<never> => {
    throw new TryAgain(new FileRefused('unavailable', 'one block is lost'));
  };
  await gate.pass(taken);
  await gate.pass(lost).catch(() => undefined);
  await gate.pass(taken);
  expect(back).toBe(0);
  await gate.pass(() => Promise.reject(new TryAgain(new StoreUnreachable('no answer')))).catch(() => undefined);
  await gate.pass(taken);
  await gate.pass(taken);
  expect(back).toBe(1);
  await gate.pass(refused).catch(() => undefined);
  now += MINUTE;
  await gate.pass(taken);
  expect(back).toBe(2);
});

test('over another network the next one may try at once', async () => {
  const gate = new Gate({ now: () => now });
  await gate.pass(refused).catch(() => undefined);
  gate.tryNow();
  expect(await gate.pass(async () => 'sent')).toBe('sent');
});
