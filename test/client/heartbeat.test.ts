import type { networkInterfaces } from 'node:os';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Heartbeat } from '../../client/service/heartbeat.ts';
import { watchNetwork } from '../../client/service/network-watch.ts';

afterEach(() => vi.useRealTimers());

describe('a connection', () => {
  let happened: string[];
  let heart: Heartbeat;
  const at = (): number => Date.now() - begin;
  let begin: number;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    begin = Date.now();
    happened = [];
    heart = new Heartbeat({
      ping: () => happened.push(`ping ${at() / 1000}`),
      onLate: () => happened.push(`late ${at() / 1000}`),
      onDead: () => happened.push(`dead ${at() / 1000}`),
    });
  });
  afterEach(() => heart.close());

  test('that does not answer is late after three seconds, and dead after eight', () => {
    vi.advanceTimersByTime(60_000);
    expect(happened).toEqual(['ping 6', 'late 9', 'dead 14']);
  });

  test('is asked every six seconds while something happens and for a minute, then every 45', () => {
    for (let second = 0; second < 240; second++) {
      const before = happened.length;
      vi.advanceTimersByTime(1000);
      if (happened.length > before) heart.answered();
    }
    const times = [6, 12, 18, 24, 30, 36, 42, 48, 54, 60, 105, 150, 195, 240];
    expect(happened).toEqual(times.map((second) => `ping ${second}`));
    heart.touch();
    vi.advanceTimersByTime(6000);
    expect(happened.at(-1)).toBe('ping 246');
  });

  test('is asked at once when something says that it may be dead, and once', () => {
    heart.probe();
    heart.probe();
    vi.advanceTimersByTime(3000);
    expect(happened).toEqual(['ping 0', 'late 3']);
    heart.answered();
    vi.advanceTimersByTime(5500);
    expect(happened).toHaveLength(2);
  });

  test('that is closed is asked no more', () => {
    heart.close();
    heart.probe();
    vi.advanceTimersByTime(60_000);
    expect(happened).toEqual([]);
  });
});

describe('the network', () => {
  type Interfaces = ReturnType<typeof networkInterfaces>;
  const address = (cidr: string, internal = false) =>
    [{ address: cidr.split('/')[0], cidr, internal, family: 'IPv4' }] as NonNullable<Interfaces[string]>;
  let interfaces: Interfaces;
  let uptime: number;
  let changes: number;

  beforeEach(() => {
    vi.useFakeTimers();
    interfaces = { lo: address('127.0.0.1/8', true), wifi: address('192.168.1.2/24') };
    [uptime, changes] = [1000, 0];
    const watch = watchNetwork(() => changes++, { interfaces: () => interfaces, uptime: () => uptime });
    onTestFinished(() => watch.close());
  });
  const pass = (seconds: number, slept = 0): void => {
    uptime += slept;
    for (let second = 0; second < seconds; second++) {
      uptime++;
      vi.advanceTimersByTime(1000);
    }
  };

  test('is another one when addresses come or go', () => {
    pass(5);
    interfaces = { ...interfaces, tun0: address('10.8.0.2/24') };
    pass(5);
    expect(changes).toBe(1);
    pass(30);
    interfaces = { lo: interfaces.lo };
    pass(5);
    expect(changes).toBe(2);
  });

  test('is the same when only what leads nowhere comes and goes', () => {
    interfaces = { ...interfaces, veth1: address('fe80::1/64'), lo2: address('127.0.0.2/8', true) };
    pass(30);
    expect(changes).toBe(0);
  });

  test('may be another one after the machine slept, whatever the clock says', () => {
    pass(5);
    vi.setSystemTime(Date.now() + 3_600_000);
    pass(5);
    expect(changes).toBe(0);
    pass(5, 60);
    expect(changes).toBe(1);
  });
});
