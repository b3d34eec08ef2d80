import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spansOf } from '../../../client/steps/pack-spans.ts';
import { encodeDelta } from '../../../codec/index.ts';
import type { DownloadRequest } from '../../../protocol/download.ts';
import { download } from '../carry-out.ts';
import { serveTls } from '../cdn.ts';
import { blockOf, openFolder, remoteFile } from './open-folder.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, pack: Buffer) => void;

/** The part that is asked for, in bytes. */
function rangeOf({ headers }: IncomingMessage): [at: number, end: number] {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
  return [Number(first), Number(last) + 1];
}

const inParts: Answer = (request, response, pack) => {
  const [at, end] = rangeOf(request);
  response.writeHead(206, { 'content-range': `bytes ${at}-${end - 1}/${pack.length}` });
  response.end(pack.subarray(at, end));
};

/**
 * A folder whose remote files lie in a pack, in the order given, with `gap` bytes of others before the last one.
 * Answers what was asked for.
 */
async function packed(contents: Readonly<Record<string, string>>, { gap = 0, answer = inParts } = {}) {
  const encoded = Object.values(contents).map((text) => encodeDelta(Buffer.alloc(0), Buffer.from(text)));
  const pack = Buffer.concat([...encoded.slice(0, -1), randomBytes(gap), encoded.at(-1)!]);
  const places = new Map<string, { pack: string; at: number; bytes: number }>();
  const { hash } = await blockOf('the pack');
  for (const [index, text] of Object.values(contents).entries()) {
    const before = encoded.slice(0, index).reduce((sum, { length }) => sum + length, 0);
    const at = before + (index === encoded.length - 1 ? gap : 0);
    places.set((await blockOf(text)).hash, { pack: hash, at, bytes: encoded[index]!.length });
  }
  const ranges: [number, number][] = [];
  const url = await serveTls((request, response) => {
    ranges.push(rangeOf(request));
    answer(request, response, pack);
  });
  const asked: DownloadRequest[] = [];
  const folder = await openFolder({
    download: async (request) => {
      asked.push(request);
      const wanted = request.files.flatMap(({ lacks = [] }) => lacks.map((lacking) => [lacking, places.get(lacking)!]));
      const body = { files: [], urls: { [hash]: url }, contents: {}, packed: Object.fromEntries(wanted), deltas: {} };
      return { sent: 0, body: { ...body, urls_expire_at: Date.now() + 900_000 } };
    },
  });
  for (const [path, text] of Object.entries(contents)) {
    folder.sync.state.set('remote', path, await remoteFile(text, 1));
  }
  await download(folder.sync, Object.keys(contents));
  const texts = await Promise.all(Object.keys(contents).map((path) => folder.text(path)));
  return { texts, ranges, asked };
}

const files = { a: 'one content', b: 'another one', c: 'the third of them' };

test('contents that lie near each other come with one request', async () => {
  const { texts, ranges, asked } = await packed(files);
  expect(texts).toEqual(Object.values(files));
  expect(ranges).toHaveLength(1);
  expect(asked).toHaveLength(1);
});

test('what lies between contents that are far from each other is not fetched', async () => {
  const { texts, ranges } = await packed(files, { gap: 100_000 });
  expect(texts).toEqual(Object.values(files));
  expect(ranges).toHaveLength(2);
  expect(ranges.reduce((sum, [at, end]) => sum + end - at, 0)).toBeLessThan(1000);
});

test('all of a pack is taken from who knows no ranges', async () => {
  const whole: Answer = (_, response, pack) => response.end(pack);
  const { texts } = await packed(files, { answer: whole });
  expect(texts).toEqual(Object.values(files));
});

test('a content that arrives damaged is asked for past what caches have of the pack, and the others are there', async () => {
  let answers = 0;
  const damaged: Answer = (request, response, pack) => {
    const bytes = Buffer.from(pack);
    if (answers++ === 0) bytes[bytes.length - 3]! ^= 1;
    inParts(request, response, bytes);
  };
  const { texts, asked } = await packed(files, { answer: damaged });
  expect(texts).toEqual(Object.values(files));
  const { hash } = await blockOf(files.c);
  expect(asked.slice(1)).toMatchObject([{ files: [{ path: 'c', lacks: [hash], damaged: [hash] }] }]);
});

test('a request that is refused is repeated for each content', async () => {
  let answers = 0;
  const busy: Answer = (request, response, pack) => {
    if (answers++ === 0) response.writeHead(503).end();
    else inParts(request, response, pack);
  };
  const { texts, ranges } = await packed(files, { answer: busy });
  expect(texts).toEqual(Object.values(files));
  expect(ranges).toHaveLength(1 + Object.keys(files).length);
});

test('spans have every content once, and are bounded', () => {
  const pack = fc.constantFrom('a', 'b');
  const part = fc.record({ pack, at: fc.nat(4_000_000), bytes: fc.integer({ min: 1, max: 66_000 }) });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 200 }), (parts) => {
      const contents = new Map(parts.map((each, index) => [`${index}`, each]));
      const spans = spansOf(contents);
      expect(spans.flatMap((span) => [...span.contents.keys()]).sort()).toEqual([...contents.keys()].sort());
      for (const span of spans) {
        expect(span.bytes).toBeLessThanOrEqual(1024 * 1024);
        for (const inside of span.contents.values()) {
          expect(inside.pack).toBe(span.pack);
          expect(inside.at).toBeGreaterThanOrEqual(span.at);
          expect(inside.at + inside.bytes).toBeLessThanOrEqual(span.at + span.bytes);
        }
      }
    }),
  );
});
