import { expect, onTestFinished, test, vi } from 'vitest';
import { tellWhatIsSent } from '../../../client/steps/tell-sent.ts';
import { bitsSet } from '../../../protocol/sent-bits.ts';
import type { SentSoFar } from '../../../protocol/socket.ts';
import { blockOf, device } from './open-folder.ts';

/** An upload of these files, each of nine blocks; `told` has the numbers of the blocks that were told, message by message. */
async function sending(...paths: readonly string[]) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const blocks = await Promise.all(Array.from({ length: 9 }, (_, number) => blockOf(String(number).repeat(10))));
  const local = { kind: 'file', size: 90, mode: 0o644, mtime_ms: 1, blocks, identity: '', hint: '' } as const;
  const items = paths.map((path) => ({ path, base_version: 0, local }));
  const [sent, told]: [Map<string, number>, number[][]] = [new Map(), []];
  const tell = (message: SentSoFar): void => {
    const isSent = bitsSet(message.sent);
    told.push([...blocks.keys()].filter(isSent));
  };
  const { noted, stop } = tellWhatIsSent(tell, device.id, items, sent);
  const send = (number: number, bytes: number = blocks[number]!.size): void => {
    sent.set(blocks[number]!.hash, bytes);
    noted();
  };
  return { told, stop, send };
}

test('what was sent is told at once, and at most four times a second', async () => {
  const { told, send, stop } = await sending('film');
  /** Sends a block; answers after how long it is told, ms. */
  const tellNext = (number: number): number => {
    const [before, at] = [told.length, performance.now()];
    send(number);
    while (told.length === before) vi.advanceTimersToNextTimer();
    return performance.now() - at;
  };
  expect([tellNext(0), tellNext(1), tellNext(2)]).toEqual([250, 250, 250]);
  vi.advanceTimersByTime(10_000);
  expect([tellNext(3), tellNext(4), tellNext(5)]).toEqual([0, 250, 250]);
  stop();
});

test('what was sent is told if there is more, else now and then, and at the end', async () => {
  const { told, send, stop } = await sending('film');
  vi.advanceTimersByTime(40_000);
  expect(told, 'before there is anything').toEqual([]);
  send(8);
  send(0);
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([[0, 8]]);
  vi.advanceTimersByTime(40_000);
  expect(told).toHaveLength(2);
  send(3);
  stop();
  vi.advanceTimersByTime(60_000);
  expect(told.slice(2)).toEqual([[0, 3, 8]]);
});

test('what went as a delta is not told of: with its version it comes as one', async () => {
  const { told, send, stop } = await sending('film');
  send(1, 3);
  vi.advanceTimersByTime(40_000);
  expect(told).toEqual([]);
  send(2);
  send(3, 0);
  vi.advanceTimersByTime(1_000);
  send(4, 3);
  vi.advanceTimersByTime(5_000);
  stop();
  expect(told).toEqual([[2, 3]]);
});

test('an upload that is over within a quarter of a second, and one of several files, is not told of', async () => {
  const short = await sending('film');
  short.send(1);
  short.stop();
  const several = await sending('one', 'two');
  several.send(1);
  vi.advanceTimersByTime(5_000);
  several.stop();
  expect([...short.told, ...several.told]).toEqual([]);
});
