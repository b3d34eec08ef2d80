import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, Context } from 'aws-lambda';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { MAX_ANSWER_BYTES } from '../../lambdas/shared/answers/answer-size.ts';
import { Refusal } from '../../lambdas/shared/answers/errors.ts';
import { DeltaApplyHeader } from '../../protocol/delta-apply.ts';
import { ErrorBody } from '../../protocol/errors.ts';
import { UploadInitRequest } from '../../protocol/upload-init.ts';

vi.hoisted(() => {
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT';
});
const { jsonBody, publicRoute, query } = await import('../../lambdas/shared/http/route.ts');

/** Error answers quote at most this much of a request. */
const SMALL_BYTES = 32 * 1024;

async function answerTo(event: object, handle: (event: APIGatewayProxyEventV2WithJWTAuthorizer) => unknown) {
  const answer = await publicRoute(async (event) => await handle(event))(
    { requestContext: {}, ...event } as APIGatewayProxyEventV2WithJWTAuthorizer,
    {} as Context,
  );
  const bytes = Buffer.byteLength(JSON.stringify(answer));
  return { status: answer.statusCode, body: JSON.parse(answer.body!) as unknown, bytes };
}

const post = (body: unknown) => ({
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('a refusal', () => {
  const largeKeys = [
    ['many keys', Object.fromEntries(Array.from({ length: 300_000 }, (_, index) => [`k${index}`, 1]))],
    ['a long key', { ['\0'.repeat(800_000)]: 1 }],
    ['many bad items', { files: Array.from({ length: 100_000 }, () => ({ '"': '"' })) }],
  ] as const;
  test.each(largeKeys)('quotes little of %s', async (_, sent) => {
    const { status, body, bytes } = await answerTo(post(sent), (event) => jsonBody(event, UploadInitRequest));
    expect({ status, code: ErrorBody.parse(body).code }).toEqual({ status: 400, code: expect.any(String) });
    expect(bytes).toBeLessThan(SMALL_BYTES);
  });

  test('quotes little of anything', async () => {
    const key = fc.string({ unit: 'binary', maxLength: 3000 });
    const anything = fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue(), { maxLength: 100 })));
    await fc.assert(
      fc.asyncProperty(anything, fc.constantFrom(UploadInitRequest, DeltaApplyHeader), async (sent, schema) => {
        const { status, bytes } = await answerTo(post(sent), (event) => jsonBody(event, schema));
        expect(status).toBe(400);
        expect(bytes).toBeLessThan(SMALL_BYTES);
      }),
    );
  });

  test('quotes little of a query', async () => {
    const queryStringParameters = { ['x'.repeat(8000)]: 'y' };
    const { status, bytes } = await answerTo({ queryStringParameters }, (event) => query(event, UploadInitRequest));
    expect(status).toBe(400);
    expect(bytes).toBeLessThan(SMALL_BYTES);
  });
});

describe('an answer that would be larger than Lambda takes', () => {
  test('is a typed refusal', async () => {
    const { body, bytes } = await answerTo({}, () => ({ text: '"'.repeat(MAX_ANSWER_BYTES / 4) }));
    expect(body).toMatchObject({ code: 'limit_exceeded' });
    expect(bytes).toBeLessThan(SMALL_BYTES);
  });

  test('of an error leaves its details out', async () => {
    const { status, body } = await answerTo({}, () => {
      throw new Refusal('stale_version', 'read the changes', { results: 'x'.repeat(MAX_ANSWER_BYTES) });
    });
    expect({ status, body }).toEqual({ status: 409, body: { code: 'stale_version', message: 'read the changes' } });
  });
});

describe('a long answer', () => {
  const text = 'as good as said before, '.repeat(100);
  const answer = (headers: Record<string, string>) =>
    publicRoute(async () => ({ text }))(
      { requestContext: {}, headers } as unknown as APIGatewayProxyEventV2WithJWTAuthorizer,
      {} as Context,
    );

  test.each([
    { taken: 'gzip, zstd', encoding: 'zstd', decode: zstdDecompressSync },
    { taken: 'deflate, gzip;q=1.0', encoding: 'gzip', decode: gunzipSync, zstdDecompressSync },
  ])('travels compressed to who takes $taken', async ({ taken, encoding, decode }) => {
    const { body, headers, isBase64Encoded } = await answer({ 'accept-encoding': taken });
    expect({ isBase64Encoded, encoding: headers?.['content-encoding'] }).toEqual({ isBase64Encoded: true, encoding });
    expect(JSON.parse(decode(Buffer.from(body!, 'base64')).toString())).toEqual({ text });
    expect(body!.length).toBeLessThan(text.length / 10);
  });

  test('travels as it is to who does not say so', async () => {
    const { body, headers } = await answer({});
    expect(headers).not.toHaveProperty('content-encoding');
    expect(JSON.parse(body!)).toEqual({ text });
  });
});
