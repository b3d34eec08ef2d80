import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fill } from '../../lambdas/download/fill.ts';
import {
  answerBytes,
  fitting,
  itemBytes,
  MAX_ANSWER_BYTES,
  roomBeside,
} from '../../lambdas/shared/answers/answer-size.ts';
import { excerpt, itemError } from '../../lambdas/shared/answers/errors.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import { deletePathBytes } from '../../protocol/delete.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import type { Entry } from '../../protocol/entry.ts';
import { tooMuch } from '../../protocol/internal/locate.ts';
import { limits } from '../../protocol/limits.ts';
import { movePathBytes } from '../../protocol/move.ts';
import { pathProblem } from '../../protocol/path.ts';
import { longPath } from './paths.ts';

const hash = (index: number) => index.toString(16).padStart(64, '0');

/** The bytes of a whole answer, as Lambda counts them. */
function envelopeBytes(body: unknown): number {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  return Buffer.byteLength(JSON.stringify({ statusCode: 200, headers, body: JSON.stringify(body) }));
}

test('the paths of these tests are good ones', () => {
  fc.assert(
    fc.property(longPath, (path) => {
      expect(pathProblem(path)).toBeUndefined();
    }),
  );
});

test('what items take is what the envelope grows by', () => {
  const item = fc.record({ path: longPath, text: fc.string({ unit: 'binary' }), number: fc.double() });
  fc.assert(
    fc.property(fc.array(item, { minLength: 1, maxLength: 5 }), (items) => {
      const sum = items.reduce((bytes, item) => bytes + answerBytes(item), 0);
      expect(envelopeBytes({ items }) - envelopeBytes({ items: [] })).toBe(sum - 1);
    }),
  );
});

test('what an item of a record takes is what the envelope grows by', () => {
  const text = fc.oneof(longPath, fc.string({ unit: 'binary' }), fc.base64String({ maxLength: 200 }));
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { minLength: 1, selector: ([key]) => key }), (items) => {
      const sum = items.reduce((bytes, item) => bytes + itemBytes(item), 0);
      expect(envelopeBytes(Object.fromEntries(items)) - envelopeBytes({})).toBe(sum - 1);
    }),
  );
});

test('pages hold every item once, in order, each page within its room or of one item', () => {
  fc.assert(
    fc.property(
      fc.array(longPath, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 0, max: 20_000 }),
      (all, room) => {
        const read: string[] = [];
        while (read.length < all.length) {
          const page = fitting(all.slice(read.length), room);
          expect(page.length === 1 || page.reduce((sum, item) => sum + answerBytes(item), 0) <= room).toBe(true);
          read.push(...page);
        }
        expect(read).toEqual(all);
      },
    ),
  );
});

test('the longest answer of a call that commits fits, with all blocks that are missing', () => {
  const missing = Array.from({ length: limits.blocksPerCall }, (_, index) => hash(index));
  fc.assert(
    fc.property(longPath, (path) => {
      const error = itemError('path_conflict', `'${excerpt(path)}' is a directory with content: choose another name`);
      const result: CommitResult = { path, error: { ...error, current_version: 2 ** 31 - 1 } };
      const results = Array.from({ length: limits.filesPerCall }, () => result);
      const body = { code: error.code, message: error.message, details: { results, hashes: missing } };
      expect(envelopeBytes(body)).toBeLessThan(MAX_ANSWER_BYTES);
    }),
    { numRuns: 20 },
  );
});

test('the longest answer of a call that renames fits, whatever becomes of its items', () => {
  fc.assert(
    fc.property(longPath, fc.boolean(), (path, isDone) => {
      const error = itemError('path_conflict', `'${excerpt(path)}' is a directory with content: choose another name`);
      const refused = { path, error: { ...error, current_version: 2 ** 31 - 1 } };
      const done = { path, version: 2 ** 31 - 1, version_id: 'f'.repeat(36), cursor: Number.MAX_SAFE_INTEGER };
      const most = Math.floor(limits.pathBytesPerCall / movePathBytes({ from: 'a', to: path }));
      const results = Array.from({ length: Math.min(limits.movesPerCall, most) }, () => (isDone ? done : refused));
      const body = isDone ? { results } : { code: error.code, message: error.message, details: { results } };
      expect(envelopeBytes(body)).toBeLessThan(MAX_ANSWER_BYTES);
    }),
    { numRuns: 20 },
  );
});

test('the longest answer of a call that deletes fits, whatever becomes of its items', () => {
  fc.assert(
    fc.property(longPath, fc.boolean(), (path, isDone) => {
      const error = itemError('path_conflict', 'the directory is not empty: delete what is in it too, or keep it');
      const refused = { path, error: { ...error, current_version: 2 ** 31 - 1 } };
      const done = { path, version: 2 ** 31 - 1, version_id: 'f'.repeat(36), cursor: Number.MAX_SAFE_INTEGER };
      const most = Math.floor(limits.pathBytesPerCall / deletePathBytes({ path }));
      const results = Array.from({ length: Math.min(limits.deletesPerCall, most) }, () => (isDone ? done : refused));
      const body = isDone ? { results } : { code: error.code, message: error.message, details: { results } };
      expect(envelopeBytes(body)).toBeLessThan(MAX_ANSWER_BYTES);
    }),
    { numRuns: 20 },
  );
});

test('beside the longest list of refusals an upload is told of some blocks to send', () => {
  fc.assert(
    fc.property(longPath, (path) => {
      const error = itemError('path_conflict', `'${excerpt(path)}' is a file: move or delete it first`);
      const refused = Array.from({ length: limits.filesPerCall }, () => ({ path, error }));
      const room = roomBeside({ refused });
      const put = { hash: hash(1), how: 'put', url: `https://${'x'.repeat(4000)}`, headers: { x: 'y'.repeat(500) } };
      const send = fitting(
        Array.from({ length: limits.sendsPerPage }, () => put),
        room,
      );
      expect(send.length).toBeGreaterThan(500);
      expect(envelopeBytes({ refused, send, next: hash(2) })).toBeLessThan(MAX_ANSWER_BYTES);
    }),
    { numRuns: 20 },
  );
});

describe('a download', () => {
  const entryOf = (path: string, hashes: readonly string[]): Entry => ({
    path,
    kind: 'file',
    size: 2 ** 53 - 1,
    mtime_ms: -(2 ** 53) + 1,
    mode: 0o7777,
    version: 2 ** 31 - 1,
    blocks: hashes.map((hash) => ({ hash, size: limits.blockBytes })),
  });
  const urlsOf = (hashes: readonly string[], bytes: number) =>
    Object.fromEntries(hashes.map((hash) => [hash, `https://cdn/${hash}?${'x'.repeat(bytes)}`]));
  const hashes = Array.from({ length: limits.blocksPerCall }, (_, index) => hash(index));

  test('names as many files as fit, each with its URLs, every other one as too much, and contents in the rest', () => {
    const file = fc.record({ path: longPath, first: fc.nat(19_000), count: fc.nat(1000) });
    fc.assert(
      fc.property(fc.array(file, { minLength: 1, maxLength: 60 }), (wanted) => {
        const files = wanted.map(({ path, first, count }) => ({
          path,
          entry: entryOf(path, hashes.slice(first, first + count)),
        }));
        const urls = urlsOf(hashes.slice(0, 15_000), 300);
        const contents = Object.fromEntries(hashes.slice(15_000, 15_300).map((hash) => [hash, 'A'.repeat(10_924)]));
        const deltas = Object.fromEntries(
          hashes.slice(0, 300).map((hash) => [hash, { base: [hash], encoded: 'A'.repeat(9000) }]),
        );
        const packed = Object.fromEntries(
          hashes
            .slice(15_300, 16_300)
            .map((hash, index) => [hash, { pack: hashes[index % 700]!, at: 4_000_000, bytes: 9000 }]),
        );
        const answer = fill({ files, urls, contents, packed, deltas }, Date.now());
        for (const { pack } of Object.values(answer.packed)) expect(answer.urls[pack]).toBe(urls[pack]);
        expect(envelopeBytes(answer)).toBeLessThan(MAX_ANSWER_BYTES);
        expect(answer.files.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
        expect(answer.files[0]).toEqual(files[0]);
        for (const file of answer.files) {
          if ('error' in file) expect(file.error).toBe(tooMuch);
          else for (const { hash } of file.entry.blocks) expect(answer.urls[hash]).toBe(urls[hash]);
        }
        const given = Object.entries(answer.contents);
        expect(given).toEqual(Object.entries(contents).slice(0, given.length));
        const made = Object.entries(answer.deltas);
        expect(made).toEqual(Object.entries(deltas).slice(0, made.length));
        if (made.length < 300) expect(envelopeBytes(answer)).toBeGreaterThan(MAX_ANSWER_BYTES - 20_000);
      }),
      { numRuns: 20 },
    );
  });

  test('of one file fits with as many URLs as are signed, and says so where it does not', () => {
    const path = '"'.repeat(limits.segmentBytes);
    const files: DownloadResponse['files'] = [{ path, entry: entryOf(path, hashes) }];
    const answer = fill(
      { files, urls: urlsOf(hashes.slice(0, 10_000), 250), contents: {}, packed: {}, deltas: {} },
      Date.now(),
    );
    expect(answer.files).toEqual(files);
    expect(envelopeBytes(answer)).toBeLessThan(MAX_ANSWER_BYTES);
    expect(fill({ files, urls: urlsOf(hashes, 1000), contents: {}, packed: {}, deltas: {} }, Date.now()).files).toEqual(
      [{ path, error: tooMuch }],
    );
  });
});
