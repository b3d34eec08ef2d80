import { reasonOf } from '../../cli/reason.ts';
import { retryAfter, TryAgain } from '../common/retry.ts';
import { Unreachable } from './errors.ts';

/** A request, and how long its whole answer may take. */
export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
  /** Says that no answer will come this way. */
  readonly lost?: AbortSignal | undefined;
}

/** An answer, its body read whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Milliseconds that it asks to be left alone. */
  readonly retryAfter: number;
  /** API Gateway's id of the request, by which the service's operator finds a failure in the logs. */
  readonly requestId: string | null;
}

/**
 * Asks once. Where an answer sends elsewhere is not followed: no service of ours does, and portals do.
 * @param who is asked, for the message
 * @throws TryAgain with `Unreachable` without a whole answer, and the signal's reason
 */
export async function ask(who: string, url: string | URL, request: Request): Promise<Answer> {
  const { timeoutMs, signal, lost, body, ...rest } = request;
  const signals = [signal, lost, AbortSignal.timeout(timeoutMs)].filter((one) => one !== undefined);
  try {
    const response = await fetch(url, {
      ...rest,
      ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
    const { status, headers } = response;
    const now = Date.parse(headers.get('date') ?? '');
    return {
      status,
      text: await response.text(),
      retryAfter: retryAfter(headers.get('retry-after'), now),
      requestId: headers.get('apigw-requestid'),
    };
  } catch (error) {
    signal?.throwIfAborted();
    throw new TryAgain(new Unreachable(`${who} does not answer: ${whyNot(error)}`, { cause: error }));
  }
}

/** The codes of certificates whose time is over, or has not come: either they are bad or this machine's clock is. */
const untimely = ['CERT_NOT_YET_VALID', 'CERT_HAS_EXPIRED'];

function whyNot(error: unknown): string {
  if (!untimely.includes(codeOf(error) ?? '')) return reasonOf(error);
  return `${reasonOf(error)}, by this machine's clock, which says ${new Date().toString()}`;
}

/** The codes of certificates that nobody vouches for whom this machine trusts. */
const untrusted = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
];

/** Whether there was no answer because this machine does not trust who would have given it. */
export function isUntrusted(error: Unreachable): boolean {
  return untrusted.includes(codeOf(error.cause) ?? '');
}

/** `fetch` only says that it failed, and keeps the reason in its cause. */
function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
