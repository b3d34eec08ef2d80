import { z } from 'zod';
import { reasonOf } from '../../cli/reason.ts';
import { ClientError } from '../common/errors.ts';
import { Unreachable } from './errors.ts';

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

export interface Provider {
  readonly provider_url: string;
  readonly client_id: string;
}

export interface Tokens {
  readonly access: string;
  /** Milliseconds since 1970. */
  readonly expires_at: number;
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
  const answer = await ask(provider, 'InitiateAuth', { AuthFlow: 'USER_PASSWORD_AUTH', AuthParameters: parameters });
  if (answer.ChallengeName !== 'NEW_PASSWORD_REQUIRED') return tokensOf(answer);
  if (!choosePassword) {
    throw new ClientError(
      'sign_in_refused',
      `sign-in refused: ${username} has to choose a password first: run 'tidemark login' as this user`,
    );
  }
  const { USER_ID_FOR_SRP: id = username } = answer.ChallengeParameters ?? {};
  const chosen = await ask(provider, 'RespondToAuthChallenge', {
    ChallengeName: answer.ChallengeName,
    Session: answer.Session,
    ChallengeResponses: { USERNAME: id, NEW_PASSWORD: await choosePassword() },
  });
  return tokensOf(chosen);
}

export async function signInWithRefreshToken(provider: Provider, refreshToken: string): Promise<Tokens> {
  const parameters = { REFRESH_TOKEN: refreshToken };
  return tokensOf(await ask(provider, 'InitiateAuth', { AuthFlow: 'REFRESH_TOKEN_AUTH', AuthParameters: parameters }));
}

type Operation = 'InitiateAuth' | 'RespondToAuthChallenge';

/** An operation of Cognito that needs no AWS credentials. */
async function ask(provider: Provider, operation: Operation, members: Record<string, unknown>): Promise<Answer> {
  const response = await fetch(new URL('/', provider.provider_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body: JSON.stringify({ ClientId: provider.client_id, ...members }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error) => {
    throw new Unreachable(`the sign-in service does not answer: ${reasonOf(error)}`);
  });
  const text = await response.text();
  if (response.status >= 500 || response.status === 429) {
    throw new Unreachable(`the sign-in service answered ${response.status}`);
  }
  if (!response.ok) throw refusal(members.AuthFlow, text);
  return Answer.parse(JSON.parse(text));
}

function tokensOf({ AuthenticationResult: result, ChallengeName: challenge }: Answer): Tokens {
  if (!result) {
    const reason = challenge ? `it asks for ${challenge}` : 'it sent no token';
    throw new ClientError('sign_in_refused', `sign-in is not complete: ${reason}; finish it in a browser first`);
  }
  return {
    access: result.AccessToken,
    expires_at: Date.now() + result.ExpiresIn * 1000,
    ...(result.RefreshToken === undefined ? {} : { refresh: result.RefreshToken }),
  };
}

function refusal(flow: unknown, text: string): ClientError {
  const message = /"message"\s*:\s*"([^"]*)"/i.exec(text)?.[1] ?? 'no reason given';
  if (flow === 'USER_PASSWORD_AUTH') {
    return new ClientError('sign_in_refused', `sign-in refused: ${message} Check the user name and the password.`);
  }
  return flow === 'REFRESH_TOKEN_AUTH'
    ? new ClientError('sign_in_refused', `this device's sign-in has ended (${message}): run 'tidemark login' again`)
    : new ClientError('sign_in_refused', `the new password was refused: ${message}`);
}
