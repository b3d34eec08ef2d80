import { randomUUID } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { reason } from '../../errors.ts';
import { matches } from '../../iam/policy.ts';
import type { Log } from '../../types.ts';
import { AwsError, errorXml } from '../errors.ts';
import type { Buckets } from '../s3/buckets.ts';
import { parseRange } from '../s3/range.ts';
import { type CachedObject, createCache } from './cache.ts';
import { cacheKey, lifetime } from './cache-policy.ts';
import type { Behavior, Distribution } from './distribution.ts';
import { viewerHeaders } from './headers-policy.ts';
import { splitSignedUrl, verifySignedUrl } from './signed-url.ts';

/** Memory for cached bodies; a block has at most 4 MiB. */
const CACHE_BYTES = 256 * 1024 * 1024;

export interface Edge {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  report(): { hits: number; misses: number; bytes: number };
}

/** A path pattern of a behaviour, with or without its leading slash. */
function applies(pattern: string | undefined, path: string): boolean {
  return pattern === undefined || matches(path, pattern.startsWith('/') ? pattern : `/${pattern}`);
}

/** Reads from the bucket as the distribution, which only the bucket's policy (Origin Access Control) lets in. */
async function readOrigin(buckets: Buckets, behavior: Behavior, arn: string, path: string): Promise<CachedObject> {
  const context = { 'aws:sourcearn': arn, 'aws:securetransport': 'true', 's3:tlsversion': '1.3' };
  const caller = { principal: 'cloudfront.amazonaws.com', context };
  const key = decodeURIComponent(`${behavior.origin.path}${path}`).replace(/^\//, '');
  return { ...(await buckets.readAs(caller, behavior.origin.bucket, key)), stored: Date.now() };
}

/** Where a request goes: the behaviour of its path, and the address without its signature. Refuses what is not signed. */
function route(
  distribution: Distribution | undefined,
  request: IncomingMessage,
): { arn: string; behavior: Behavior; base: string } {
  const target = request.url ?? '/';
  const { base } = splitSignedUrl(target);
  const path = pathOf(base);
  const behavior = distribution?.behaviors.find(({ pathPattern }) => applies(pathPattern, path));
  if (!distribution || !behavior) throw new AwsError('NotFound', 'There is no distribution here.', 404);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new AwsError('MethodNotAllowed', 'The edge answers GET and HEAD.', 403);
  }
  if (behavior.keys) verifySignedUrl(`https://${request.headers.host}${target}`, behavior.keys);
  return { arn: distribution.arn, behavior, base };
}

function pathOf(address: string): string {
  return address.split('?')[0] ?? '/';
}

/** Sends an object, or the range of it that was asked for; returns the bytes of its body that went out. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  behavior: Behavior,
  { object, fresh }: { object: CachedObject; fresh: boolean },
): number {
  const range = parseRange(request.headers.range, object.body.length);
  const xCache = { 'x-cache': fresh ? 'Hit from cloudfront' : 'Miss from cloudfront' };
  if (range === 'invalid') {
    const headers = { ...xCache, 'content-range': `bytes */${object.body.length}`, 'content-length': 0 };
    response.writeHead(416, headers).end();
    return 0;
  }
  const body = range ? object.body.subarray(range.start, range.end + 1) : object.body;
  const varying: OutgoingHttpHeaders = {};
  if (range) varying['content-range'] = `bytes ${range.start}-${range.end}/${object.body.length}`;
  if (fresh) varying.age = String(Math.floor((Date.now() - object.stored) / 1000));
  const headers: OutgoingHttpHeaders = {
    ...viewerHeaders(behavior.policy, object.headers),
    'content-length': body.length,
    via: '1.1 local.cloudfront.net (CloudFront)',
    ...varying,
    ...xCache,
  };
  response.writeHead(range ? 206 : 200, headers);
  if (request.method === 'HEAD') {
    response.end();
    return 0;
  }
  // By themselves: what goes out with headers is copied together with them first.
  response.flushHeaders();
  response.end(body);
  return body.length;
}

function sendError(request: IncomingMessage, response: ServerResponse, error: AwsError): void {
  const body = Buffer.from(errorXml(error, randomUUID()));
  const headers = { 'content-type': 'text/xml', 'x-cache': 'Error from cloudfront', 'content-length': body.length };
  response.writeHead(error.status, headers).end(request.method === 'HEAD' ? undefined : body);
}

/** The edge cache: HTTPS, signed URLs by key group, an LRU in memory, `X-Cache` and `Age` as CloudFront answers them. */
export function createEdge(buckets: Buckets, current: () => Distribution | undefined, log: Log): Edge {
  const cache = createCache(CACHE_BYTES);
  const counts = { hits: 0, misses: 0, bytes: 0 };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { arn, behavior, base } = route(current(), request);
    const key = cacheKey(behavior.cache, base);
    const cached = cache.get(key);
    const until = cached && cached.stored + lifetime(behavior.cache, cached.headers) * 1000;
    const fresh = until !== undefined && Date.now() < until ? cached : undefined;
    const object = fresh ?? (await readOrigin(buckets, behavior, arn, pathOf(base)));
    if (!fresh) cache.set(key, object);
    counts[fresh ? 'hits' : 'misses'] += 1;
    counts.bytes += send(request, response, behavior, { object, fresh: fresh !== undefined });
  };

  return {
    report: () => ({ ...counts }),
    async handle(request, response) {
      try {
        await serve(request, response);
      } catch (error) {
        const known = error instanceof AwsError ? error : new AwsError('InternalError', reason(error), 502);
        const path = request.url?.split('?')[0];
        log(`edge: ${request.method} ${path} was refused: ${known.code}: ${known.message}`);
        sendError(request, response, known);
      }
    },
  };
}
