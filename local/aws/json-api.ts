import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../body.ts';
import { reason } from '../errors.ts';
import type { Identities, Log, Principal } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError } from './errors.ts';
import { sendJson } from './http.ts';
import { type Claim, verifySignature } from './sigv4.ts';

/** Above every service's own limit (DynamoDB 16 MiB, Lambda 6 MB). */
const MAX_BODY = 16 * 1024 * 1024;

export interface ApiCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: Principal;
  readonly body: Buffer;
}

/** Answers a call itself, or throws an AwsError. */
type ApiHandler = (call: ApiCall) => Promise<void>;

export interface JsonApi {
  /** Its name in the credential scope of a signature and in IAM. */
  readonly service: string;
  readonly handle: ApiHandler;
}

/** What services other than S3 call the refusals of a signature or a role. */
const CODES: Readonly<Record<string, readonly [code: string, status: number]>> = {
  AccessDenied: ['AccessDeniedException', 400],
  SignatureDoesNotMatch: ['InvalidSignatureException', 403],
  RequestTimeTooSkewed: ['InvalidSignatureException', 403],
  AuthorizationHeaderMalformed: ['IncompleteSignatureException', 403],
  InvalidAccessKeyId: ['UnrecognizedClientException', 403],
  InvalidToken: ['UnrecognizedClientException', 403],
};

export function sendJsonError(response: ServerResponse, error: AwsError): void {
  const [code, status] = CODES[error.code] ?? [error.code, error.status];
  const headers = { 'x-amzn-errortype': code, 'x-amzn-requestid': randomUUID() };
  sendJson(response, status, { __type: code, message: error.message, Message: error.message }, headers);
}

/** Verifies the signature, the function's network and the body, then hands the call to the service. */
export async function serveJson(
  api: JsonApi,
  request: IncomingMessage,
  response: ServerResponse,
  claim: Claim,
  { identities, access, log }: { identities: Identities; access: Access; log: Log },
): Promise<void> {
  try {
    const body = await readBody(request, MAX_BODY);
    if (!body) throw new AwsError('RequestTooLargeException', `The body exceeds ${MAX_BODY} bytes.`, 413);
    const hash = createHash('sha256').update(body).digest('hex');
    const signed = { method: request.method ?? '', target: request.url ?? '/', headers: request.headers };
    const principal = verifySignature(signed, claim, hash, identities);
    access.reach(principal, api.service);
    await api.handle({ request, response, principal, body });
  } catch (error) {
    if (response.headersSent || response.destroyed) throw error;
    if (!(error instanceof AwsError)) log(`${api.service}: ${request.method} ${request.url}: ${reason(error)}`);
    sendJsonError(response, error instanceof AwsError ? error : new AwsError('InternalFailure', reason(error), 500));
  }
}

/** The members of a JSON body; an empty body has none. */
export function parseMembers(body: Buffer): Record<string, unknown> {
  try {
    return body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
  } catch {
    throw new AwsError('SerializationException', 'The body is not JSON.');
  }
}

/** The operation that an `x-amz-target: <service>.<operation>` header names. */
export function operationOf(request: IncomingMessage): string {
  return String(request.headers['x-amz-target'] ?? '').split('.')[1] ?? '';
}

export function unknownOperation(service: string, operation: string): AwsError {
  return new AwsError(
    'UnknownOperationException',
    `The local ${service} has no operation ${operation || '(none)'}.`,
    404,
  );
}
