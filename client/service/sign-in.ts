import { z } from 'zod';
import { ClientError } from '../common/errors.ts';
import { retried, TryAgain } from '../common/retry.ts';
import { type Answer as Answered, ask } from './ask.ts';
import { notOurs, parseJson, Unreachable } from './errors.ts';

const WHO = 'the sign-in service';
const TIMEOUT_MS = 30_000;

const AuthenticationResult = z.object({
  AccessToken: z.string(),
  /** Seconds. */
  ExpiresIn: z.number(),
  RefreshToken: z.string().optional(),
});
const Answer = z.object({
  AuthenticationResult: AuthenticationResult.optional(),
  ChallengeName: z.string().optional(),
  ChallengeParameters: z.record(z.string(), z.string()).optional(),
  /** Of the challenge. */
  Session: z.string().optional(),
});
type Answer = z.infer<typeof Answer>;
/** How Cognito says no. */
const Refusal = z.object({ __type: z.string(), message: z.string().default('no reason given') });

/** The refusals by which a sign-in has ended. */
const final = ['NotAuthorizedException', 'UserNotFoundException'];
/** Those that pass: Cognito's throttle is a 400. */
const passing = ['InternalErrorException', 'LimitExceededException', 'ThrottlingException', 'TooManyRequestsException'];

export interface Provider {
  readonly provider_url: string;
  readonly client_id: string;
}

export interface Tokens {
  readonly access: string;
  /** By `performance.now()`: the end does not come sooner or later when the clock is set. */
  readonly until: number;
  /** A new refresh token, when the provider rotates it. */
  readonly refresh?: string;
}

/**
 * @param choosePassword asked when the password is an administrator's, who knows it: the user has to have one of his own
 */
export async function signInWithPassword(
  provider: Provider,
  username: string,
  password: string,
  choosePassword?: () => Promise<string>,
): Promise<Tokens> {
  const parameters = { USERNAME: username, PASSWORD: password };
  const answer = await initiate(provider, 'USER_PASSWORD_AUTH', parameters);
  if (answer.ChallengeName !== 'NEW_PASSWORD_REQUIRED') return tokensOf(answer);
  if (!choosePassword) {
    throw new ClientError(
      'sign_in_refused',
      `sign-in refused: ${username} has to choose a password first: run 'tidemark login' as this user`,
    );
  }
  const { USER_ID_FOR_SRP: id = username } = answer.ChallengeParameters ?? {};
  const response = { USERNAME: id, NEW_PASSWORD: await choosePassword() };
  const challenge = { ChallengeName: answer.ChallengeName, Session: answer.Session, ChallengeResponses: response };
  // Once: Cognito takes a session for one answer.
  const chosen = await call(provider, 'RespondToAuthChallenge', challenge).catch((error) => {
    throw error instanceof TryAgain ? error.failure : error;
  });
  return tokensOf(chosen);
}

/** @throws ClientError `sign_in_refused` when the sign-in has ended, and the signal's reason */
export async function signInWithRefreshToken(
  provider: Provider,
  refreshToken: string,
  signal?: AbortSignal,
): Promise<Tokens> {
  return tokensOf(await initiate(provider, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: refreshToken }, signal));
}

function initiate(
  provider: Provider,
  flow: 'USER_PASSWORD_AUTH' | 'REFRESH_TOKEN_AUTH',
  parameters: Record<string, string>,
  signal?: AbortSignal,
): Promise<Answer> {
  const members = { AuthFlow: flow, AuthParameters: parameters };
  return retried(() => call(provider, 'InitiateAuth', members, signal), signal);
}

type Operation = 'InitiateAuth' | 'RespondToAuthChallenge';

/** An operation of Cognito that needs no AWS credentials. Throws TryAgain unless Cognito itself said yes or no. */
async function call(
  provider: Provider,
  operation: Operation,
  members: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<Answer> {
  const answer = await ask(WHO, new URL('/', provider.provider_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: Buffer.from(JSON.stringify({ ClientId: provider.client_id, ...members })),
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  const json = parseJson(answer.text);
  const granted = Answer.safeParse(json);
  if (answer.status === 200 && granted.success && (granted.data.AuthenticationResult || granted.data.ChallengeName)) {
    return granted.data;
  }
  throw refusal(members.AuthFlow, answer, json);
}

function tokensOf({ AuthenticationResult: result, ChallengeName: challenge }: Answer): Tokens {
  if (!result) {
    const reason = `it asks for ${challenge}; finish it in a browser first`;
    throw new ClientError('sign_in_refused', `sign-in is not complete: ${reason}`);
  }
  return {
    access: result.AccessToken,
    until: performance.now() + result.ExpiresIn * 1000,
    ...(result.RefreshToken === undefined ? {} : { refresh: result.RefreshToken }),
  };
}

function refusal(flow: unknown, answer: Answered, json: unknown): ClientError | TryAgain {
  const { status, retryAfter: after } = answer;
  const said = Refusal.safeParse(json);
  if (status < 400 || !said.success) return new TryAgain(notOurs(WHO, answer), after);
  const { __type: type, message } = said.data;
  const name = type.slice(type.indexOf('#') + 1);
  // What is wrong with a user or the pool may be mended while a device waits; who types a password wants to know.
  const isFinal = flow === 'REFRESH_TOKEN_AUTH' ? final.includes(name) : !passing.includes(name);
  if (status >= 500 || !isFinal) {
    return new TryAgain(new Unreachable(`${WHO} answered ${name}: ${message}`, { after }), after);
  }
  if (flow === 'USER_PASSWORD_AUTH') {
    return new ClientError('sign_in_refused', `sign-in refused: ${message} Check the user name and the password.`);
  }
  return flow === 'REFRESH_TOKEN_AUTH'
    ? new ClientError('sign_in_refused', `this device's sign-in has ended (${message}): run 'tidemark login' again`)
    : new ClientError('sign_in_refused', `the new password was refused: ${message}`);
}
