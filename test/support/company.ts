import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';
import type { Browser, Page } from './browser.ts';

/** A company's OpenID provider, with the one client that it is told of. */
export interface Company {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret: string };
  /** Signs an employee in, from the page to which the browser was sent, and goes back. */
  signIn(browser: Browser, page: Page, name: string): Promise<Page>;
  stop(): void;
}

/** @param redirectUri where browsers are sent back to */
export async function startCompany(
  tls: { readonly cert: string; readonly key: string },
  { port, redirectUri }: { readonly port: number; readonly redirectUri: string },
): Promise<Company> {
  const issuer = `https://127.0.0.1:${port}`;
  const client = { id: 'tidemark', secret: 'known-to-company-and-cognito-alone' };
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [redirectUri],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' }] },
    ttl: { AccessToken: 3600, Grant: 3600, IdToken: 3600, Interaction: 3600, Session: 3600 },
    cookies: { keys: ['not a secret'] },
    claims: { openid: ['sub'], email: ['email'] },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, email: `${id}@company.example` }),
    }),
  });
  const server = createServer(tls, provider.callback()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    client,
    signIn: async (browser, page, login) => {
      const asked = await browser.submit(page, { login, password: 'whatever' });
      return await browser.submit(asked);
    },
    stop: () => void server.close().closeAllConnections(),
  };
}
