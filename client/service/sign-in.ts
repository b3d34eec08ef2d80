import { z } from 'zod';
import { ClientError } from '../common/errors.ts';
import { retried } from '../common/retry.ts';
import { callCognito, callOnce, type Provider } from './cognito.ts';
import { codeRefused, type Enrol, enrolKey } from './second-factor.ts';

const AuthenticationResult = z.object({
  AccessToken: z.string(),
  /** Seconds. */
  ExpiresIn: z.number(),
  RefreshToken: z.string().optional(),
});
const Answer = z
  .object({
    AuthenticationResult: AuthenticationResult.optional(),
    ChallengeName: z.string().optional(),
    ChallengeParameters: z.record(z.string(), z.string()).optional(),
    /** Of the challenge. */
    Session: z.string().optional(),
  })
  .refine(({ AuthenticationResult, ChallengeName }) => AuthenticationResult || ChallengeName);
type Answer = z.infer<typeof Answer>;

/** The refusals by which a sign-in has ended; what else is wrong with a user or the pool may be mended meanwhile. */
const ended = ['NotAuthorizedException', 'UserNotFoundException'];
/** Challenges of one sign-in: a password of one's own, and a second factor that is set up or asked for. */
const MOST_CHALLENGES = 3;

export interface Tokens {
  readonly access: string;
  /** By `performance.now()`: the end does not come sooner or later when the clock is set. */
  readonly until: number;
  /** A new refresh token, when the provider rotates it. */
  readonly refresh?: string;
}

/** What a sign-in may have to ask of whoever signs in. */
export interface Person {
  /** A password of one's own, in place of one that an administrator knows. */
  newPassword(): Promise<string>;
  /** A code of the authenticator app. */
  code(): Promise<string>;
  readonly enrol: Enrol;
}

/**
 * @param person asked for what a password alone does not do; without one such a sign-in is refused
 * @throws ClientError `sign_in_refused`, and Unreachable
 */
export async function signInWithPassword(
  provider: Provider,
  username: string,
  password: string,
  person?: Person,
): Promise<Tokens> {
  let answer = await retried(() =>
    callCognito(provider, {
      operation: 'InitiateAuth',
      members: {
        ClientId: provider.client_id,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: username, PASSWORD: password },
      },
      answer: Answer,
      refused: (reason) => `sign-in refused: ${reason} Check the user name and the password.`,
    }),
  );
  for (let count = 0; answer.ChallengeName !== undefined && count < MOST_CHALLENGES; count++) {
    answer = await answerChallenge(provider, username, answer, person);
  }
  return tokensOf(answer);
}

/** @throws ClientError `sign_in_refused` when the sign-in has ended, and the signal's reason */
export async function signInWithRefreshToken(
  provider: Provider,
  refreshToken: string,
  signal?: AbortSignal,
): Promise<Tokens> {
  const call = {
    operation: 'InitiateAuth',
    members: {
      ClientId: provider.client_id,
      AuthFlow: 'REFRESH_TOKEN_AUTH',
      AuthParameters: { REFRESH_TOKEN: refreshToken },
    },
    answer: Answer,
    refused: (reason: string) => `this device's sign-in has ended (${reason}): run 'tidemark login' again`,
    final: ended,
    signal,
  };
  return tokensOf(await retried(() => callCognito(provider, call), signal));
}

/** @throws ClientError `sign_in_refused` where Cognito refuses the response, or nobody here can answer */
async function answerChallenge(
  provider: Provider,
  username: string,
  { ChallengeName: name, ChallengeParameters, Session = '' }: Answer,
  person: Person | undefined,
): Promise<Answer> {
  const { USER_ID_FOR_SRP: USERNAME = username } = ChallengeParameters ?? {};
  const respond = (responses: Record<string, string>, refused: (reason: string) => string, session = Session) =>
    // Once: Cognito takes a session for one answer.
    callOnce(provider, {
      operation: 'RespondToAuthChallenge',
      members: {
        ClientId: provider.client_id,
        ChallengeName: name,
        Session: session,
        ChallengeResponses: { USERNAME, ...responses },
      },
      answer: Answer,
      refused,
    });
  switch (name) {
    case 'NEW_PASSWORD_REQUIRED': {
      const { newPassword } = person ?? nobody(username, 'has to choose a password first');
      return respond({ NEW_PASSWORD: await newPassword() }, (reason) => `the new password was refused: ${reason}`);
    }
    case 'SOFTWARE_TOKEN_MFA': {
      const { code } = person ?? nobody(username, 'has a second factor');
      return respond({ SOFTWARE_TOKEN_MFA_CODE: await code() }, codeRefused);
    }
    case 'MFA_SETUP': {
      const { enrol } = person ?? nobody(username, 'has to set up a second factor first');
      const session = await enrolKey(provider, username, { Session }, enrol);
      return respond({}, (reason) => `the second factor was refused: ${reason}`, session);
    }
    default:
      throw new ClientError(
        'sign_in_refused',
        `sign-in is not complete: it asks for ${name}, which has no answer here`,
      );
  }
}

/** @throws ClientError where there is nobody to ask */
function nobody(username: string, why: string): never {
  throw new ClientError('sign_in_refused', `sign-in refused: ${username} ${why}: run 'tidemark login' as this user`);
}

function tokensOf({ AuthenticationResult: result, ChallengeName: challenge }: Answer): Tokens {
  if (!result) {
    throw new ClientError('sign_in_refused', `sign-in is not complete: it asks for ${challenge} as well`);
  }
  return {
    access: result.AccessToken,
    until: performance.now() + result.ExpiresIn * 1000,
    ...(result.RefreshToken === undefined ? {} : { refresh: result.RefreshToken }),
  };
}
