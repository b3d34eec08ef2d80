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

/** No answer, after retries: the network or the service is away. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const codeOfStatus: Record<number, ErrorCode> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'unauthorized',
  404: 'route_unknown',
  405: 'method_not_allowed',
  408: 'unavailable',
  413: 'body_too_large',
  415: 'unsupported_media_type',
  429: 'throttled',
  500: 'internal',
};

/**
 * The error of an answer. A gateway answers some requests itself, with `{"message": …}` and without a code, or with no
 * JSON at all; those map by status.
 * @param requestId API Gateway's id of the request, by which the service's operator finds a failure in the logs
 */
export function errorOf(status: number, body: string, requestId?: string | null): ServiceError {
  const json = parse(body);
  const ours = ErrorBody.safeParse(json);
  const id = status >= 500 && requestId ? ` (request ${requestId})` : '';
  if (ours.success) return new ServiceError(ours.data.code, status, ours.data.message + id, ours.data.details);
  const code = codeOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'bad_request');
  const said =
    typeof json === 'object' && json !== null && 'message' in json ? String(json.message) : body.slice(0, 200);
  return new ServiceError(code, status, `the service answered ${status}${said === '' ? '' : `: ${said}`}${id}`);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
