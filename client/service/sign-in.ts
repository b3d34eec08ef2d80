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
});

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

export function signInWithPassword(provider: Provider, username: string, password: string): Promise<Tokens> {
  return initiate(provider, 'USER_PASSWORD_AUTH', { USERNAME: username, PASSWORD: password });
}

export function signInWithRefreshToken(provider: Provider, refreshToken: string): Promise<Tokens> {
  return initiate(provider, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: refreshToken });
}

/** Cognito's InitiateAuth, which needs no AWS credentials. */
async function initiate(provider: Provider, flow: string, parameters: Record<string, string>): Promise<Tokens> {
  const response = await fetch(new URL('/', provider.provider_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({ AuthFlow: flow, ClientId: provider.client_id, AuthParameters: parameters }),
    signal: AbortSignal.timeout(30_000),
  }).catch((error) => {
    throw new Unreachable(`the sign-in service does not answer: ${reasonOf(error)}`);
  });
  const text = await response.text();
  if (response.status >= 500 || response.status === 429) {
    throw new Unreachable(`the sign-in service answered ${response.status}`);
  }
  if (!response.ok) throw refusal(flow, text);
  const { AuthenticationResult: result, ChallengeName: challenge } = Answer.parse(JSON.parse(text));
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

function refusal(flow: string, text: string): ClientError {
  const message = /"message"\s*:\s*"([^"]*)"/i.exec(text)?.[1] ?? 'no reason given';
  return flow === 'USER_PASSWORD_AUTH'
    ? new ClientError('sign_in_refused', `sign-in refused: ${message} Check the user name and the password.`)
    : new ClientError('sign_in_refused', `this device's sign-in has ended (${message}): run 'tidemark login' again`);
}
