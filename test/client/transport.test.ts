import { hash, randomBytes } from 'node:crypto';
import type { RequestListener, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { TryAgain } from '../../client/common/retry.ts';
import { DiskChanged } from '../../client/disk/stamps.ts';
import { ask } from '../../client/service/ask.ts';
import { connections } from '../../client/service/connections.ts';
import { Arrived, fetchRest } from '../../client/service/fetch-bytes.ts';
import { Gate } from '../../client/service/gate.ts';
import { putBytes } from '../../client/service/put-bytes.ts';
import { SendRate } from '../../client/service/send-rate.ts';
import { newUpChannel, type UpChannel } from '../../client/steps/channels.ts';
import { putBlock } from '../../client/steps/put-block.ts';
import { serveTls } from './cdn.ts';

/* Blocks over a real connection to a server that does as the test says; the limits are counted by a time that it sets. */

const content = randomBytes(300_000);
const contentHash = hash('sha256', content);
/** What S3 says of bytes that do not have the SHA-256 that was signed. */
const badDigest = '<?xml version="1.0"?><Error><Code>BadDigest</Code></Error>';
const never = new AbortController().signal;
const young = (): number => performance.now() + 60_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Takes a body, then answers. */
const takes =
  (status: number, headers = {}, text = ''): RequestListener =>
  (request, response) =>
    void request.resume().on('end', () => response.writeHead(status, headers).end(text));

/** Lets time pass until something has come of a promise. */
async function pass<Result>(promise: Promise<Result>, milliseconds: number): Promise<number | 'more'> {
  let ended = false;
  const mark = (): void => {
    ended = true;
  };
  promise.then(mark, mark);
  for (let passed = 0; passed <= milliseconds; passed += 1000) {
    await new Promise((resolve) => setImmediate(resolve));
    if (ended) return passed;
    await vi.advanceTimersByTimeAsync(1000);
  }
  return 'more';
}

describe('an answer of the service', () => {
  const answering = (body: Buffer): Promise<string> =>
    serveTls((_, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end(body));

  test('is read as it was before it was compressed', async () => {
    const { text } = await ask('the service', await answering(zstdCompressSync('{}')), { timeoutMs: 60_000 });
    expect(text).toBe('{}');
  });

  test('that cannot be unpacked is none', async () => {
    const url = await answering(zstdCompressSync(content).subarray(0, 1000));
    await expect(ask('the service', url, { timeoutMs: 60_000 })).rejects.toThrow(TryAgain);
  });

  /** Five parts of so many bytes, one each second. */
  const inParts = (bytes: number): Promise<string> =>
    serveTls((_, response) => {
      let left = 5;
      const send = (): void => {
        response.write(' '.repeat(bytes));
        if (--left > 0) return;
        clearInterval(timer);
        response.end();
      };
      const timer = setInterval(send, 1000);
      response.on('close', () => clearInterval(timer)).writeHead(200);
    });

  test('may take longer than a call, by as much as its bytes need on the slowest line', async () => {
    vi.useRealTimers();
    const { text } = await ask('the service', await inParts(32_000), { timeoutMs: 3_000 });
    expect(text).toHaveLength(5 * 32_000);
  });

  test('that only drips is given up in time', async () => {
    vi.useRealTimers();
    await expect(ask('the service', await inParts(1), { timeoutMs: 3_000 })).rejects.toThrow('no answer within 3 s');
  });
});

describe('an upload', () => {
  test('of which nothing moves any more is broken after 20 s and what its bytes may take', async () => {
    const url = await serveTls((request) => void request.resume());
    const rate = new SendRate();
    rate.finished(1_000_000, 1000);
    const sent = putBytes(url, {}, content, { rate, signal: never }).catch((error: Error) => error.message);
    const after = await pass(sent, 60_000);
    expect(after).toBeGreaterThanOrEqual(20_000);
    expect(await sent).toBe('nothing moved for 21 s');
  });

  test('over a link that nobody knows yet is waited for as the slowest one needs', () => {
    const rate = new SendRate();
    expect(rate.allowance(4 * 1024 * 1024)).toBeGreaterThan((1000 * 4 * 1024 * 1024) / 8000);
    rate.finished(1_000_000, 1000);
    expect(rate.allowance(1_000_000)).toBe(2000);
    rate.stalled();
    expect(rate.allowance(1_000_000), 'after one that may have been slow').toBe(4000);
  });

  test('that is given up is broken off at once', async () => {
    const closed = Promise.withResolvers<void>();
    const url = await serveTls((request) => void request.on('close', () => closed.resolve()));
    const end = new AbortController();
    const sent = putBytes(url, {}, content, { rate: new SendRate(), signal: end.signal });
    setImmediate(() => end.abort());
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a block', () => {
  let channel: UpChannel;
  beforeEach(() => {
    vi.useRealTimers();
    channel = newUpChannel(new Gate());
  });

  const put = (url: string, until = young()): Promise<boolean> =>
    putBlock(
      { hash: contentHash, url, headers: { host: 'x', 'x-amz-meta-upload': 'token' }, until },
      content,
      channel,
      never,
    );

  test('that the store has taken is sent; one that is busy is asked again', async () => {
    const seen: unknown[] = [];
    const url = await serveTls(async (request, response) => {
      seen.push((await buffer(request)).equals(content) && request.headers['x-amz-meta-upload']);
      if (seen.length === 1) response.writeHead(503, { 'retry-after': '0' }).end();
      else response.writeHead(200, { etag: '"a"' }).end();
    });
    expect(await put(url)).toBe(true);
    expect(seen).toEqual(['token', 'token']);
  });

  test('that is refused is named with the status, and no other is sent', async () => {
    let requests = 0;
    const answer = takes(403, {}, '<html>not from here</html>');
    const url = await serveTls((request, response) => {
      requests++;
      answer(request, response);
    });
    await expect(put(url)).rejects.toMatchObject({
      code: 'store_refused',
      message: 'the block store refused the upload (403)',
    });
    await expect(put(url)).rejects.toMatchObject({ code: 'unavailable' });
    expect(requests).toBe(1);
  });

  test.each([
    ['whose URL is too old is not sent', performance.now() - 1, takes(200, { etag: '"a"' })],
    ['whose URL the store calls expired is no refusal', young(), takes(403, {}, 'Request has expired')],
  ])('%s', async (_, until, answer) => {
    expect(await put(await serveTls(answer), until)).toBe(false);
    expect(channel.gate.isClosed).toBe(false);
  });

  test('that the store refuses because its file changed is no refusal of the store', async () => {
    const url = await serveTls(takes(400, {}, badDigest));
    const target = { hash: hash('sha256', 'as it was'), url, headers: {}, until: young() };
    await expect(putBlock(target, content, channel, never)).rejects.toThrow(DiskChanged);
    expect(channel.gate.isClosed).toBe(false);
  });

  test('that arrives at the store as another one, though it did not change here, is refused', async () => {
    await expect(put(await serveTls(takes(400, {}, badDigest)))).rejects.toMatchObject({ code: 'store_refused' });
    expect(channel.gate.isClosed).toBe(true);
  });

  test('that something else took in place of the store is not sent', async () => {
    const url = await serveTls(takes(200, {}, '<html>accept our terms</html>'));
    await expect(put(url)).rejects.toMatchObject({
      name: 'Unreachable',
      message: 'a proxy or portal answered instead of the block store: 200, “accept our terms”',
    });
  });
});

describe('a download', () => {
  /** Answers with ranges, but breaks off after so many bytes. */
  const breaksOffAfter =
    (bytes: number, ranges: (string | undefined)[]): RequestListener =>
    ({ headers: { range } }, response) => {
      ranges.push(range);
      const from = Number(/\d+/.exec(range ?? '0')![0]);
      const rest = content.subarray(from);
      const status = range === undefined ? 200 : 206;
      const named =
        range === undefined ? {} : { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
      response.writeHead(status, { 'content-length': rest.length, ...named });
      if (rest.length <= bytes) response.end(rest);
      else response.write(rest.subarray(0, bytes), () => response.socket?.end());
    };

  test('that broke off goes on from there', async () => {
    const ranges: (string | undefined)[] = [];
    const url = await serveTls(breaksOffAfter(200_000, ranges));
    const arrived = new Arrived();
    await expect(fetchRest(url, arrived, never)).rejects.toThrow();
    expect(arrived.size).toBeGreaterThan(0);
    expect(await fetchRest(url, arrived, never)).toMatchObject({ status: 200 });
    expect(Buffer.from(arrived.bytes()).equals(content)).toBe(true);
    expect(ranges).toEqual([undefined, expect.stringMatching(/^bytes=\d+-$/)]);
    expect(arrived.received, 'bytes that came twice').toBe(content.length);
  });

  test('whose other half comes from a server without ranges begins anew', async () => {
    const url = await serveTls((_, response) => response.end(content));
    const arrived = new Arrived();
    arrived.add(Buffer.from('half'));
    expect(await fetchRest(url, arrived, never)).toMatchObject({ status: 200 });
    expect(Buffer.from(arrived.bytes()).equals(content)).toBe(true);
  });

  test('that stands still for 20 s is broken, and what came stays', async () => {
    const url = await serveTls((_, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, 1000));
    });
    const arrived = new Arrived();
    const fetched = fetchRest(url, arrived, never).catch((error: Error) => error.message);
    await vi.waitFor(() => expect(arrived.size).toBe(1000));
    expect(await pass(fetched, 60_000)).toBe(20_000);
    expect(await fetched).toBe('nothing moved for 20 s');
    expect(arrived.size).toBe(1000);
  });

  test('of more than a block has ends at once, and the connection with it', async () => {
    const ended = Promise.withResolvers<void>();
    const url = await serveTls((request, response) => {
      request.on('close', () => ended.resolve());
      response.writeHead(200);
      response.write(content);
    });
    const arrived = new Arrived(Buffer.alloc(1000));
    await expect(fetchRest(url, arrived, never)).rejects.toThrow('more arrives than a block has');
    await ended.promise;
  });

  test.each(['before it has a connection', 'while it waits for an answer', 'while it is held back'])(
    'that is given up %s ends with the reason',
    async (when) => {
      const [asked, end] = [Promise.withResolvers<void>(), new AbortController()];
      const url = await serveTls((_, response) => {
        asked.resolve();
        if (when === 'while it is held back') response.end(content);
      });
      if (when === 'while it is held back') connections.limit({ down: 1 });
      onTestFinished(() => connections.limit({}));
      const fetched = expect(fetchRest(url, new Arrived(), end.signal)).rejects.toThrow('given up');
      if (when !== 'before it has a connection') await asked.promise;
      setImmediate(() => end.abort(new Error('given up')));
      await fetched;
    },
  );

  test('that is slow goes on for as long as it takes', async () => {
    const asked = Promise.withResolvers<ServerResponse>();
    const url = await serveTls((_, response) => {
      response.writeHead(200, { 'content-length': 20 });
      response.flushHeaders();
      asked.resolve(response);
    });
    const arrived = new Arrived();
    const fetched = fetchRest(url, arrived, never);
    const response = await asked.promise;
    for (let part = 1; part <= 20; part++) {
      await vi.waitFor(() => {
        if (arrived.size < part - 1) throw new Error('not yet');
      });
      await vi.advanceTimersByTimeAsync(15_000);
      response.write('x');
    }
    expect(await fetched).toMatchObject({ status: 200 });
    expect(arrived.size).toBe(20);
  });
});
