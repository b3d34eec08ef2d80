import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { retried, retryAfter, TryAgain } from '../../client/common/retry.ts';
import { createApi } from '../../client/service/api.ts';

let server: Server | undefined;

afterEach(() => {
  vi.useRealTimers();
  server?.close();
  server = undefined;
});

/** What the gateway says with a status. */
const bodies: Record<number, unknown> = {
  401: { message: 'Unauthorized' },
  500: { message: 'Internal Server Error' },
};

/** A server that gives these answers in turn. Returns its address, and the tokens and times of the requests so far. */
async function serve(answers: readonly (readonly [status: number, headers?: Record<string, string>])[]) {
  const requests: { readonly token: string | undefined; readonly at: number }[] = [];
  server = createServer((request, response) => {
    const [status, headers] = answers[requests.length] ?? [200];
    requests.push({ token: request.headers.authorization, at: performance.now() });
    request
      .resume()
      .on('end', () => response.writeHead(status, headers).end(JSON.stringify(bodies[status] ?? { devices: [] })));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const devices = (url: string) => createApi(url, { token: async ({ renew } = {}) => (renew ? 'new' : 'old') }).devices();

describe('attempts', () => {
  test('end with the first that works', async () => {
    let attempts = 0;
    vi.useFakeTimers();
    const result = retried(async () => {
      if (++attempts < 3) throw new TryAgain(new Error('not yet'));
      return attempts;
    });
    await vi.runAllTimersAsync();
    expect(await result).toBe(3);
  });

  test('end after the fourth, with its failure', async () => {
    let attempts = 0;
    vi.useFakeTimers();
    const result = retried(async () => {
      throw new TryAgain(new Error(`failure ${++attempts}`));
    }).catch((error: Error) => error.message);
    await vi.runAllTimersAsync();
    expect(await result).toBe('failure 4');
  });

  test('end at once with a failure that stays', async () => {
    let attempts = 0;
    const attempt = async (): Promise<void> => {
      attempts++;
      throw new RangeError('for good');
    };
    await expect(retried(attempt)).rejects.toThrow(RangeError);
    expect(attempts).toBe(1);
  });

  test('wait as long as the other side asks', async () => {
    vi.useFakeTimers();
    const begin = Date.now();
    const at: number[] = [];
    const result = retried(async () => {
      if (at.push(Date.now() - begin) === 1) throw new TryAgain(new Error('busy'), 7000);
    });
    await vi.runAllTimersAsync();
    await result;
    expect(at).toEqual([0, 7000]);
  });
});

test('a date without the time of who gave it asks for nothing: this clock may be another', () => {
  expect(retryAfter('Sun, 29 Nov 2036 16:00:05 GMT')).toBe(0);
});

test.each([
  ['3', 3000],
  ['0', 0],
  ['86400', 600_000],
  ['Sun, 29 Nov 2026 16:00:05 GMT', 5000],
  ['Sun, 29 Nov 2026 15:00:00 GMT', 0],
  ['Mon, 30 Nov 2026 16:00:00 GMT', 600_000],
  ['soon', 0],
  ['', 0],
  [undefined, 0],
  [null, 0],
])('Retry-After: %s', (header, wait) => expect(retryAfter(header, Date.UTC(2026, 10, 29, 16))).toBe(wait));

describe('a call', () => {
  test('waits as the service asks, and then gets its answer', async () => {
    const { url, requests } = await serve([[503, { 'retry-after': '1' }]]);
    expect((await devices(url)).body.devices).toEqual([]);
    // Timers count whole milliseconds.
    expect(requests[1]!.at - requests[0]!.at).toBeGreaterThan(998);
  });

  test('that is asked to wait for long fails at once, and says for how long', async () => {
    const { url, requests } = await serve([[503, { 'retry-after': '60' }]]);
    await expect(devices(url)).rejects.toMatchObject({ name: 'Unreachable', after: 60_000 });
    expect(requests).toHaveLength(1);
  });

  test('whose token is refused takes a new one, and goes on with tries where the service fails too', async () => {
    const { url, requests } = await serve([[401], [503], [200]]);
    await devices(url);
    expect(requests.map(({ token }) => token).slice(0, 2)).toEqual(['Bearer old', 'Bearer new']);
    expect(requests).toHaveLength(3);
  });

  test('whose new token is refused, too, fails', async () => {
    const { url, requests } = await serve([[401], [401], [200]]);
    await expect(devices(url)).rejects.toMatchObject({ name: 'ServiceError', code: 'unauthorized' });
    expect(requests).toHaveLength(2);
  });

  test.each([
    [429, { name: 'Unreachable' }],
    [503, { name: 'Unreachable' }],
    [500, { name: 'ServiceError', code: 'internal' }],
  ])('that always ends with %i fails after four tries', async (status, failure) => {
    const { url, requests } = await serve(Array.from({ length: 9 }, () => [status]));
    await expect(devices(url)).rejects.toMatchObject(failure);
    expect(requests).toHaveLength(4);
  });
});
