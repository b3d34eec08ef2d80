import { expect, onTestFinished, test, vi } from 'vitest';
import { Patience } from '../../client/service/patience.ts';

test('ends once, after its time and what it was held back for, whatever is said of it later', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const ended = vi.fn();
  const patience = new Patience(1000, ended);
  patience.hold(500);
  vi.advanceTimersByTime(1400);
  expect(ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(ended).toHaveBeenCalledTimes(1);
  patience.hold(100);
  vi.advanceTimersByTime(1000);
  expect(ended).toHaveBeenCalledTimes(1);
});

test('does not end once it is over', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const ended = vi.fn();
  const patience = new Patience(1000, ended);
  patience.over();
  patience.hold(100);
  vi.advanceTimersByTime(5000);
  expect(ended).not.toHaveBeenCalled();
});
