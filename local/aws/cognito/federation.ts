import { randomBytes } from 'node:crypto';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { AwsError } from '../errors.ts';
import type { ExternalUser } from './users.ts';

type Properties = Readonly<Record<string, unknown>>;

/** What the issuer's configuration says, as far as it is needed. */
interface Endpoints {
  readonly issuer: string;
  readonly authorization_endpoint: string;
  readonly token_endpoint: string;
  readonly userinfo_endpoint: string;
  readonly jwks_uri: string;
}

/** A sign-in at the provider that is under way. */
export interface Visit {
  /** Where the browser has to go. */
  readonly url: string;
  /** Ends the visit by what the provider sent along. Throws AwsError. */
  finish(answer: URLSearchParams): Promise<ExternalUser>;
}

/** A company's OpenID provider, as a pool knows it: Cognito is a client of it, with a secret. */
export class OidcProvider {
  readonly #name: string;
  readonly #details: Readonly<Record<string, string>>;
  readonly #mapping: Readonly<Record<string, string>>;

  /** @param properties of an AWS::Cognito::UserPoolIdentityProvider, references resolved */
  constructor(name: string, { ProviderDetails, AttributeMapping }: Properties) {
    this.#name = name;
    this.#details = ProviderDetails as Record<string, string>;
    this.#mapping = (AttributeMapping ?? {}) as Record<string, string>;
  }

  /** Attributes that each sign-in writes. */
  get writes(): string[] {
    return Object.keys(this.#mapping);
  }

  /** @param redirectUri where the provider sends the browser back to */
  async visit(redirectUri: string, state: string): Promise<Visit> {
    const endpoints = await this.#discover();
    const { client_id = '', authorize_scopes = 'openid' } = this.#details;
    const nonce = randomBytes(16).toString('base64url');
    const url = new URL(endpoints.authorization_endpoint);
    const asked = {
      client_id,
      redirect_uri: redirectUri,
      scope: authorize_scopes,
      response_type: 'code',
      state,
      nonce,
    };
    for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
    return {
      url: url.href,
      finish: async (answer) => {
        const code = answer.get('code');
        if (!code) throw refused(answer.get('error_description') ?? answer.get('error') ?? 'no code');
        return await this.#redeem(endpoints, code, redirectUri, nonce);
      },
    };
  }

  async #discover(): Promise<Endpoints> {
    return (await fetchJson(`${this.#details.oidc_issuer}/.well-known/openid-configuration`)) as Endpoints;
  }

  async #redeem(endpoints: Endpoints, code: string, redirectUri: string, nonce: string): Promise<ExternalUser> {
    const { client_id = '', client_secret = '' } = this.#details;
    const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, client_id, client_secret };
    const tokens = (await fetchJson(endpoints.token_endpoint, {
      method: 'POST',
      body: new URLSearchParams(form),
    })) as { readonly id_token: string; readonly access_token: string };
    const keys = createRemoteJWKSet(new URL(endpoints.jwks_uri));
    const { payload } = await jwtVerify(tokens.id_token, keys, { issuer: endpoints.issuer, audience: client_id });
    if (payload.nonce !== nonce) throw refused('the nonce is another one');
    const authorization = `Bearer ${tokens.access_token}`;
    const claims = (await fetchJson(endpoints.userinfo_endpoint, { headers: { authorization } })) as Properties;
    const attributes = Object.entries(this.#mapping).map(([name, claim]) => [name, String(claims[claim] ?? '')]);
    return { provider: this.#name, subject: String(payload.sub), attributes: Object.fromEntries(attributes) };
  }
}

async function fetchJson(url: string, request: RequestInit = {}): Promise<unknown> {
  const response = await fetch(url, request);
  const text = await response.text();
  if (!response.ok) throw refused(`${url} answered ${response.status}: ${text.slice(0, 200)}`);
  return JSON.parse(text);
}

function refused(why: string): AwsError {
  return new AwsError('invalid_request', `the identity provider did not sign the user in: ${why}`);
}
