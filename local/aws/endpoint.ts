import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Identities, Log } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError, errorXml } from './errors.ts';
import { type JsonApi, sendJsonError, serveJson } from './json-api.ts';
import { type Claim, readClaim } from './sigv4.ts';

type S3Handler = (request: IncomingMessage, response: ServerResponse, claim: Claim) => Promise<void>;

interface Checks {
  readonly identities: Identities;
  readonly access: Access;
  readonly log: Log;
}

/** Reads the claim of a request, or refuses it as the services do that take JSON. */
function claimOf(request: IncomingMessage, response: ServerResponse): Claim | undefined {
  try {
    const signed = { method: request.method ?? '', target: request.url ?? '/', headers: request.headers };
    const claim = readClaim(signed);
    if (claim) return claim;
    // Nothing says which service is meant; only S3 is called without a content type or a target.
    if (request.headers['x-amz-target'] === undefined && request.headers['content-type'] === undefined) {
      request.resume();
      const body = errorXml(new AwsError('AccessDenied', 'Access Denied', 403), randomUUID());
      response.writeHead(403, { 'content-type': 'application/xml' }).end(body);
      return undefined;
    }
    throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
  } catch (error) {
    request.resume();
    sendJsonError(response, error instanceof AwsError ? error : new AwsError('InvalidRequest', String(error)));
    return undefined;
  }
}

/** One address for every AWS service: the credential scope of the signature says which one is called. */
export function createEndpoint(s3: S3Handler, apis: readonly JsonApi[], checks: Checks) {
  const byService = new Map(apis.map((api) => [api.service, api]));
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const claim = claimOf(request, response);
    if (!claim) return;
    if (claim.service === 's3') return s3(request, response, claim);
    const api = byService.get(claim.service);
    if (api) return serveJson(api, request, response, claim, checks);
    request.resume();
    checks.log(
      `No local service answers ${claim.service}: the local cloud has ${['s3', ...byService.keys()].join(', ')}.`,
    );
    sendJsonError(response, new AwsError('UnknownOperationException', `There is no local ${claim.service}.`, 404));
  };
}
