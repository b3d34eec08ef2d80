import { ErrorBody, type ErrorCode } from '../../protocol/errors.ts';

/** An answer of the service that is not 2xx. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, status: number, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.details = details;
  }
}

/** No answer of ours, after retries: the network or the service is away, or something answers in its place. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
  /** Milliseconds that were asked for before anything is tried again. */
  readonly after: number;

  constructor(message: string, { after = 0, ...options }: ErrorOptions & { readonly after?: number } = {}) {
    super(message, options);
    this.after = after;
  }
}

/** The block store or the CDN does not answer, which concerns what needs it and nothing else. */
export class StoreUnreachable extends Unreachable {}

/** What came in answer. */
interface Said {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: number;
  readonly requestId: string | undefined;
}

/**
 * What API Gateway itself says, without a code, and this service alone can mean: that a token is not valid, or that a
 * function broke at a request.
 */
const ofGateway: Readonly<Record<number, { readonly message: string; readonly code: ErrorCode }>> = {
  401: { message: 'Unauthorized', code: 'unauthorized' },
  500: { message: 'Internal Server Error', code: 'internal' },
};

/**
 * The error of an answer that is not 2xx. Only what the service said itself is a `ServiceError`, and concerns a file or
 * a sign-in; what anybody else said is `Unreachable`, as if nothing had come.
 */
export function errorOf({ status, text, retryAfter: after, requestId }: Said): ServiceError | Unreachable {
  const json = parseJson(text);
  const ours = ErrorBody.safeParse(json);
  const id = status >= 500 && requestId ? ` (request ${requestId})` : '';
  if (ours.success && status >= 400) {
    const { code, message, details } = ours.data;
    if (isPassing(status)) return new Unreachable(message + id, { after });
    return new ServiceError(code, status, message + id, details);
  }
  const message = isRecord(json) && typeof json.message === 'string' ? json.message : undefined;
  const words = `the service answered ${status}${message === undefined ? '' : `: ${message}`}${id}`;
  const own = ofGateway[status];
  if (own && own.message === message) return new ServiceError(own.code, status, words);
  return isPassing(status) ? new Unreachable(words, { after }) : notOurs('the service', { status, text });
}

/** Whether the service says that it is not there for anybody now. */
function isPassing(status: number): boolean {
  return status === 429 || (status > 500 && status < 600);
}

/** Characters of an answer in a message. */
const MOST_SAID = 80;

/** What is thrown for an answer that whoever was asked did not give. */
export function notOurs(who: string, { status, text }: Pick<Said, 'status' | 'text'>): Unreachable {
  const line = text
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const said = line === '' ? 'nothing' : `“${line.slice(0, MOST_SAID)}${line.length > MOST_SAID ? '…' : ''}”`;
  return new Unreachable(`a proxy or portal answered instead of ${who}: ${status}, ${said}`);
}

/** The value of a JSON text; `undefined` for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
