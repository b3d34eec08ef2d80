/* From an event of API Gateway to a user and a checked body, and back. */

import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod';
import { isOlder, leastClient, versionOf } from '../../../protocol/client-release.ts';
import type { ErrorBody } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { Uuid } from '../../../protocol/uuid.ts';
import { MAX_ANSWER_BYTES, SPARE_BYTES } from '../answers/answer-size.ts';
import { excerpt, Refusal } from '../answers/errors.ts';
import { isOverloaded } from '../database/database-errors.ts';
import { logger } from '../runtime/log.ts';
import { beginRequest, comesBy } from '../runtime/request.ts';

type Event = APIGatewayProxyEventV2WithJWTAuthorizer;
type Result = APIGatewayProxyStructuredResultV2;

/** Lambda's own limit of a request is 6 MB with its envelope; base64 takes a third of what is left. */
const MAX_BODY_BYTES = 5 * 1024 * 1024;

/** Bytes of an answer from which on it travels compressed. */
const WORTH_PACKING = 1400;

/** What the service reads of a token; API Gateway hands all claims on as text. */
const Claims = z.object({
  sub: Uuid,
  token_use: z.literal('access'),
  origin_jti: z.string().min(1).max(128),
  /** Seconds since 1970. */
  auth_time: z.coerce.number(),
});

/** Wraps a route: user from the token, answer as JSON, every error as `ErrorBody`, one log line per request. */
export function route(handle: (event: Event, userId: string) => Promise<unknown>) {
  return (event: Event, context: Context): Promise<Result> =>
    answered(event, context, async () => {
      refuseOld(event);
      return await handle(event, userOf(event));
    });
}

/** An answer that is no JSON. */
export class TextAnswer {
  readonly type: string;
  readonly text: string;

  constructor(type: string, text: string) {
    this.type = type;
    this.text = text;
  }
}

/** The same for a route without an authorizer. */
export function publicRoute(handle: (event: Event) => Promise<unknown>) {
  return (event: Event, context: Context): Promise<Result> => answered(event, context, () => handle(event));
}

async function answered(event: Event, context: Context, handle: () => Promise<unknown>): Promise<Result> {
  const started = performance.now();
  const log = { request: event.requestContext?.requestId, invocation: context?.awsRequestId, route: event.routeKey };
  beginRequest(log.request);
  try {
    const answer = written(await handle());
    if (!fits(answer)) throw new Refusal('limit_exceeded', 'the answer would be too large: ask for less at once');
    logger.info('answered', { ...log, status: 200, ms: Math.round(performance.now() - started) });
    return packed(event, answer);
  } catch (error) {
    const failure = asRefusal(error);
    const line = { ...log, status: failure.status, code: failure.code, ms: Math.round(performance.now() - started) };
    if (failure.status >= 500) logger.error('failed', { ...line, error: error as Error });
    else logger.info('refused', line);
    return errorAnswer(failure);
  }
}

function errorAnswer({ status, code, message, details }: Refusal): Result {
  const body: ErrorBody = { code, message };
  const answer = json(
    status,
    details ? { ...body, details } : body,
    details?.allow ? { allow: `${details.allow}` } : {},
  );
  return fits(answer) ? answer : json(status, body);
}

function fits(answer: Result): boolean {
  // A body, which has no control characters but line ends, is quoted to twice of it at most.
  if (2 * Buffer.byteLength(answer.body!) + SPARE_BYTES <= MAX_ANSWER_BYTES) return true;
  return Buffer.byteLength(JSON.stringify(answer)) <= MAX_ANSWER_BYTES;
}

function written(answer: unknown): Result {
  return answer instanceof TextAnswer ? whole(200, answer.type, answer.text) : json(200, answer);
}

function json(statusCode: number, body: unknown, headers: Record<string, string> = {}): Result {
  return whole(statusCode, 'application/json', JSON.stringify(body), headers);
}

function whole(statusCode: number, type: string, body: string, headers: Record<string, string> = {}): Result {
  return { statusCode, headers: { 'content-type': type, 'cache-control': 'no-store', ...headers }, body };
}

/** What an answer may be compressed by, each in its fastest way. */
const encode = {
  zstd: (body: string) => zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  gzip: (body: string) => gzipSync(body, { level: 1 }),
};

/** An answer that would take more packets than one, compressed for who takes that. */
function packed({ headers }: Event, answer: Result): Result {
  const body = answer.body!;
  if (body.length < WORTH_PACKING) return answer;
  const taken = (headers?.['accept-encoding'] ?? '').split(/[\s,;]+/);
  const encoding = (['zstd', 'gzip'] as const).find((name) => taken.includes(name));
  if (!encoding) return answer;
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': encoding },
    body: encode[encoding](body).toString('base64'),
    isBase64Encoded: true,
  };
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isOverloaded(error)) return new Refusal('unavailable', 'the database is busy: try again in a moment');
  return new Refusal('internal', 'the service failed; the log has the reason under this request: try again');
}

/** Refuses a client that is older than those that the service takes; another program says nothing of itself. */
function refuseOld(event: Event): void {
  const version = versionOf(event.headers?.['user-agent'] ?? '');
  if (version === undefined || !isOlder(version, leastClient)) return;
  const message = `this is tidemark ${version}, and the service takes ${leastClient} and later: run 'tidemark update'`;
  throw new Refusal('client_too_old', message);
}

/**
 * The subject of the token that API Gateway verified: the only place where the user id of an HTTP request comes from; a
 * socket's is its ticket's (`lambdas/authorize/redeem.ts`). Notes the token's sign-in. An ID token has the same issuer and audience, and API Gateway takes it; it is for the client to read.
 */
function userOf(event: Event): string {
  const claims = Claims.safeParse(event.requestContext?.authorizer?.jwt?.claims);
  if (!claims.success) throw new Refusal('unauthorized', 'this is no access token of a user: sign in again');
  comesBy({ id: claims.data.origin_jti, at: claims.data.auth_time * 1000 });
  return claims.data.sub;
}

/** The JSON body, checked. Throws 415, 413 or 400 with what is wrong and where. */
export function jsonBody<S extends z.ZodType>(event: Event, schema: S): z.output<S> {
  requireContentType(event, 'application/json');
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(event)));
  } catch {
    throw new Refusal('bad_request', 'the body is not JSON in UTF-8');
  }
  return parsed(schema, body);
}

/** A binary body, decoded. Throws 415, 413 or 400 with what is wrong. */
export async function binaryBody<Body>(
  event: Event,
  contentType: string,
  decode: (body: Uint8Array) => Body | Promise<Body>,
): Promise<Body> {
  requireContentType(event, contentType);
  const body = bytesOf(event);
  if (body.length > limits.binaryBodyBytes) {
    throw new Refusal('body_too_large', `send at most ${limits.binaryBodyBytes} bytes in one call`);
  }
  try {
    return await decode(body);
  } catch (error) {
    if (error instanceof z.ZodError) throw badRequest(error);
    if (error instanceof SyntaxError || error instanceof TypeError) throw new Refusal('bad_request', error.message);
    throw error;
  }
}

export function query<S extends z.ZodType>(event: Event, schema: S): z.output<S> {
  return parsed(schema, event.queryStringParameters ?? {});
}

/** Checks what a client sent. Throws `limit_exceeded` when a list is too long, else `bad_request`, with the issues. */
export function parsed<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw badRequest(result.error);
}

function badRequest(error: z.ZodError): Refusal {
  // Of what a client sent, zod's messages name unknown keys, however many and long; paths name the keys of a record.
  const issues = error.issues
    .slice(0, 10)
    .map(({ path, message }) => ({ at: excerpt(path.join('.')), message: excerpt(message) }));
  const tooLong = error.issues.some((issue) => issue.code === 'too_big' && issue.origin === 'array');
  const message = issues.map(({ at, message }) => (at ? `${at}: ${message}` : message)).join('; ');
  return new Refusal(tooLong ? 'limit_exceeded' : 'bad_request', message, { issues });
}

function requireContentType(event: Event, wanted: string): void {
  const [type] = (event.headers?.['content-type'] ?? '').split(';');
  if (type?.trim().toLowerCase() !== wanted) {
    throw new Refusal('unsupported_media_type', `send the body as ${wanted}`);
  }
}

function bytesOf(event: Event): Buffer {
  const bytes = Buffer.from(event.body ?? '', event.isBase64Encoded ? 'base64' : 'utf8');
  if (bytes.length > MAX_BODY_BYTES) {
    throw new Refusal('body_too_large', `the body has ${bytes.length} bytes, at most ${MAX_BODY_BYTES} are read`);
  }
  return bytes;
}
