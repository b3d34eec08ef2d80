import type { z } from 'zod';
import { ClientError } from '../common/errors.ts';
import { TryAgain, triedOnce } from '../common/retry.ts';
import { type Answer, ask } from './ask.ts';
import { notOurs, parseJson, Unreachable } from './errors.ts';

export const WHO = 'the sign-in service';
const TIMEOUT_MS = 30_000;

/** Where users sign in, and as which of its clients. */
export interface Provider {
  readonly provider_url: string;
  readonly client_id: string;
}

/** An operation of Cognito that needs no AWS credentials. */
export interface Call<Result> {
  readonly operation: string;
  readonly members: Readonly<Record<string, unknown>>;
  /** What a granted answer looks like. */
  readonly answer: z.ZodType<Result>;
  /** What the user is told when Cognito says no, with its reason. */
  readonly refused: (reason: string) => string;
  /** The refusals that stand; others pass. @default - all but those that pass by themselves */
  readonly final?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/** The refusals that pass: Cognito's throttle is a 400. */
const passing = ['InternalErrorException', 'LimitExceededException', 'ThrottlingException', 'TooManyRequestsException'];

/** @throws ClientError `sign_in_refused` when Cognito itself says no, else TryAgain, and the signal's reason */
export async function callCognito<Result>(provider: Provider, call: Call<Result>): Promise<Result> {
  const answer = await ask(WHO, new URL('/', provider.provider_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${call.operation}`,
    },
    body: Buffer.from(JSON.stringify(call.members)),
    timeoutMs: TIMEOUT_MS,
    signal: call.signal,
  });
  const json = parseJson(answer.text);
  const granted = call.answer.safeParse(json);
  if (answer.status === 200 && granted.success) return granted.data;
  throw refusal(call, answer, json);
}

/** The same for a call that Cognito takes once: it is not repeated when no answer comes. */
export async function callOnce<Result>(provider: Provider, call: Call<Result>): Promise<Result> {
  return await triedOnce(() => callCognito(provider, call));
}

function refusal({ refused, final }: Call<unknown>, answer: Answer, json: unknown): ClientError | TryAgain {
  const { status, retryAfter: after } = answer;
  const said = json as { readonly __type?: unknown; readonly message?: unknown } | undefined;
  if (status < 400 || typeof said?.__type !== 'string') return new TryAgain(notOurs(WHO, answer), after);
  const name = said.__type.slice(said.__type.indexOf('#') + 1);
  const message = typeof said.message === 'string' ? said.message : 'no reason given';
  const isFinal = final ? final.includes(name) : !passing.includes(name);
  if (status < 500 && isFinal) return new ClientError('sign_in_refused', refused(message));
  return new TryAgain(new Unreachable(`${WHO} answered ${name}: ${message}`, { after }), after);
}
