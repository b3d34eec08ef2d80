import { buffer } from 'node:stream/consumers';
import { zstdDecompressSync } from 'node:zlib';
import { reasonOf } from '../../cli/reason.ts';
import { retryAfter, TryAgain } from '../common/retry.ts';
import { connections, type Incoming, type Outgoing } from './connections.ts';
import { Unreachable } from './errors.ts';
import { Patience } from './patience.ts';
import { SLOWEST } from './send-rate.ts';

/** A request, and how long its whole answer may take. */
export interface Request extends Partial<Pick<Outgoing, 'method' | 'headers'>> {
  readonly body?: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** Told for how long a part of it is held back, ms, which does not count. */
  readonly onHeld?: (milliseconds: number) => void;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** An answer, its body read whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
  /** Milliseconds that it asks to be left alone. */
  readonly retryAfter: number;
  /** API Gateway's id of the request, by which the service's operator finds a failure in the logs. */
  readonly requestId: string | undefined;
}

/**
 * Asks once, and anew where the connection is taken for dead before there was an answer. Where an answer sends elsewhere
 * is not followed: no service of ours does, and portals do.
 * @param who is asked, for the message
 * @throws TryAgain with `Unreachable` without a whole answer, and the signal's reason
 */
export async function ask(who: string, url: string | URL, request: Request): Promise<Answer> {
  for (;;) {
    const { dead } = connections;
    try {
      return await askOver(dead, url, request);
    } catch (error) {
      request.signal?.throwIfAborted();
      if (dead.aborted) continue;
      throw new TryAgain(new Unreachable(`${who} does not answer: ${whyNot(error)}`, { cause: error }));
    }
  }
}

async function askOver(
  dead: AbortSignal,
  url: string | URL,
  { timeoutMs, onHeld, signal, body, method = 'GET', headers = {} }: Request,
): Promise<Answer> {
  const late = new AbortController();
  const patience = new Patience(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs / 1000} s`)));
  const hold = (milliseconds: number): void => {
    patience.hold(milliseconds);
    onHeld?.(milliseconds);
  };
  try {
    const answer = await connections.request(url, {
      method,
      headers,
      ...(body && { body }),
      signal: AbortSignal.any([dead, late.signal, ...(signal ? [signal] : [])]),
      onHeld: hold,
    });
    const now = Date.parse(answer.header('date') ?? '');
    return {
      status: answer.status,
      text: await textOf({ ...answer, body: holding(answer.body, hold) }),
      retryAfter: retryAfter(answer.header('retry-after'), now),
      requestId: answer.header('apigw-requestid'),
    };
  } finally {
    patience.over();
  }
}

/** A body, each part of which gives the rest as much time as it takes itself on the slowest link. */
async function* holding(body: Incoming['body'], hold: (milliseconds: number) => void): Incoming['body'] {
  for await (const part of body) {
    hold((1000 * part.length) / SLOWEST);
    yield part;
  }
}

/** An answer of more, unpacked, is none of the service. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The body of an answer, unpacked. */
export async function textOf({ header, body }: Incoming): Promise<string> {
  const bytes = await buffer(body);
  return (
    header('content-encoding') === 'zstd' ? zstdDecompressSync(bytes, { maxOutputLength: MOST_BYTES }) : bytes
  ).toString();
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

function codeOf(error: unknown): string | undefined {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
}
