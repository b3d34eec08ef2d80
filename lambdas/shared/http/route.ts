/* From an event of API Gateway to a user and a checked body, and back. */

import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEventV2WithJWTAuthorizer, APIGatewayProxyStructuredResultV2, Context } from 'aws-lambda';
import * as z from 'zod';
import type { ErrorBody } from '../../../protocol/errors.ts';
import { limits } from '../../../protocol/limits.ts';
import { Uuid } from '../../../protocol/uuid.ts';
import { MAX_ANSWER_BYTES } from '../answers/answer-size.ts';
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
    answered(event, context, async () => await handle(event, userOf(event)));
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
    const answer = json(200, await handle());
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
  return Buffer.byteLength(JSON.stringify(answer)) <= MAX_ANSWER_BYTES;
}

function json(statusCode: number, body: unknown, headers: Record<string, string> = {}): Result {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  };
}

/** An answer that would take more packets than one, compressed for who takes that. */
function packed({ headers }: Event, answer: Result): Result {
  const body = answer.body!;
  if (body.length < WORTH_PACKING || !/\bgzip\b/.test(headers?.['accept-encoding'] ?? '')) return answer;
  return {
    ...answer,
    headers: { ...answer.headers, 'content-encoding': 'gzip' },
    body: gzipSync(body, { level: 1 }).toString('base64'),
    isBase64Encoded: true,
  };
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (isOverloaded(error)) return new Refusal('unavailable', 'the database is busy: try again in a moment');
  return new Refusal('internal', 'the service failed; the log has the reason under this request: try again');
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
export function binaryBody<Body>(event: Event, contentType: string, decode: (body: Uint8Array) => Body): Body {
  requireContentType(event, contentType);
  const body = bytesOf(event);
  if (body.length > limits.binaryBodyBytes) {
    throw new Refusal('body_too_large', `send at most ${limits.binaryBodyBytes} bytes in one call`);
  }
  try {
    return decode(body);
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
