import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../../body.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import type { ChallengeName } from './challenges.ts';
import type { Registered } from './clients.ts';
import { type Authorization, Codes, type Visitor, withQuery } from './codes.ts';
import type { OidcProvider, Visit } from './federation.ts';
import { challengePage, loginPage, page } from './forms.ts';
import type { Pool, SignIn } from './pool.ts';
import { fingerprint, newRefreshToken, type PagesClient, seconds, type Tokens } from './tokens.ts';

/** Cookies of browsers that have signed in; Cognito knows them for so long. */
const COOKIE = 'cognito';
const COOKIE_SECONDS = 3600;
const MAX_BODY = 64 * 1024;

interface Parts {
  /** Of the pages, as the template makes it. */
  readonly url: string;
  readonly pool: Pool;
  readonly clients: ReadonlyMap<string, Registered>;
  /** By name; one that is not imitated is undefined. */
  readonly providers: ReadonlyMap<string, OidcProvider | undefined>;
}

/** What a browser has to be told instead of what it asked for, at the client that sent it. */
class Refused extends AwsError {}

/** Cognito's pages of a pool: who is sent here by a client comes back to it with a code. */
export class Pages {
  readonly #parts: Parts;
  readonly #codes = new Codes();
  /** By the hash of the cookie. */
  readonly #visitors = new Map<string, Visitor>();
  /** Visits at providers, by the state that goes along. */
  readonly #visits = new Map<string, { readonly visit: Visit; readonly authorization: Authorization }>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @param path below the pages' own */
  async handle(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const routes: Readonly<Record<string, () => Promise<void>>> = {
      'GET /oauth2/authorize': () => this.#authorize(request, response, query),
      'GET /login': async () => this.#show(response, query),
      'POST /login': () => this.#answer(request, response, query),
      'GET /oauth2/idpresponse': () => this.#comeBack(response, query),
      'POST /oauth2/token': () => this.#exchange(request, response),
    };
    const route = routes[`${request.method} ${path}`];
    if (!route) return sendPage(response, 404, page('there is no such page', []));
    await route();
  }

  async #authorize(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    await this.#atClient(response, query, async (authorization) => {
      const name = query.get('identity_provider');
      const provider = name === null || name === 'COGNITO' ? undefined : this.#provider(authorization, name);
      if (provider) return redirect(response, await this.#leave(authorization, provider));
      const visitor = this.#visitors.get(fingerprint(cookieOf(request)));
      const isKnown = visitor !== undefined && visitor.authTime + COOKIE_SECONDS > seconds();
      if (isKnown && query.get('prompt') !== 'login')
        return redirect(response, this.#codes.give(authorization, visitor));
      redirect(response, `${this.#parts.url}/login?${query}`);
    });
  }

  #show(response: ServerResponse, query: URLSearchParams, failure?: string): void {
    const { clients, providers, url } = this.#parts;
    const known = clients.get(query.get('client_id') ?? '')?.client.pages?.providers ?? [];
    const links = known
      .filter((name) => providers.has(name))
      .map((name) => {
        const to = new URLSearchParams([...query, ['identity_provider', name]]);
        return { name, url: `${url}/oauth2/authorize?${to}` };
      });
    sendPage(response, failure === undefined ? 200 : 400, loginPage(`${url}/login?${query}`, links, failure));
  }

  async #answer(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): Promise<void> {
    const authorization = this.#read(query);
    const form = await formOf(request);
    try {
      const signIn = await this.#signIn(form);
      if ('key' in signIn) return this.#welcome(response, authorization, signIn.key);
      const setUp = signIn.challenge === 'MFA_SETUP' && (await this.#parts.pool.associate(signIn));
      const next = setUp ? { ...signIn, session: setUp.session! } : signIn;
      sendPage(
        response,
        200,
        challengePage(`${this.#parts.url}/login?${query}`, next, setUp ? setUp.secret : undefined),
      );
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      this.#show(response, query, error.message);
    }
  }

  async #signIn(form: URLSearchParams): Promise<SignIn> {
    const { pool } = this.#parts;
    const [name, session, answer] = ['challenge', 'session', 'answer'].map((key) => form.get(key) ?? '') as [
      ChallengeName | '',
      string,
      string,
    ];
    if (name === '')
      return await pool.signIn({ hidesUsers: true }, form.get('username') ?? '', form.get('password') ?? '');
    const USERNAME = form.get('user') ?? '';
    if (name !== 'MFA_SETUP') {
      return await pool.respond(name, session, { USERNAME, NEW_PASSWORD: answer, SOFTWARE_TOKEN_MFA_CODE: answer });
    }
    const proven = await pool.verify({ session }, answer);
    return await pool.respond(name, proven.session!, { USERNAME });
  }

  #provider({ clientId }: Authorization, name: string): OidcProvider {
    const { clients, providers } = this.#parts;
    const allowed = clients.get(clientId)?.client.pages?.providers.includes(name);
    const provider = providers.get(name);
    if (allowed && provider) return provider;
    const why = allowed ? 'the local Cognito has OpenID providers alone' : 'Login option is not available';
    throw new Refused('invalid_request', why);
  }

  /** Where a provider's user goes to. */
  async #leave(authorization: Authorization, provider: OidcProvider): Promise<string> {
    const { pages } = this.#parts.clients.get(authorization.clientId)!.client;
    const fixed = provider.writes.find((name) => !pages?.writable.includes(name));
    // Cognito finds out when the user comes back, and signs him in once where the attribute is not there yet.
    if (fixed) throw new Refused('invalid_request', `user.${fixed}: Attribute cannot be updated.`);
    const state = newRefreshToken();
    const visit = await provider.visit(`${this.#parts.url}/oauth2/idpresponse`, state);
    this.#visits.set(state, { visit, authorization });
    return visit.url;
  }

  async #comeBack(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const state = query.get('state') ?? '';
    const found = this.#visits.get(state);
    this.#visits.delete(state);
    if (!found) return sendPage(response, 400, page('this sign-in is over: begin again', []));
    const { visit, authorization } = found;
    await this.#orBack(response, authorization, async () => {
      const { users } = this.#parts.pool;
      const key = await users.admit(await visit.finish(query));
      if (users.get(key)?.disabled) throw new Refused('invalid_request', 'User is disabled.');
      this.#welcome(response, authorization, key);
    });
  }

  #welcome(response: ServerResponse, authorization: Authorization, key: string): void {
    const visitor = { key, authTime: seconds() };
    const cookie = newRefreshToken();
    this.#visitors.set(fingerprint(cookie), visitor);
    response.setHeader('set-cookie', `${COOKIE}=${cookie}; Path=/; Secure; HttpOnly; SameSite=Lax`);
    redirect(response, this.#codes.give(authorization, visitor));
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await formOf(request);
    const client = this.#parts.clients.get(form.get('client_id') ?? '')?.client;
    try {
      if (!client?.pages) throw new AwsError('invalid_client', 'invalid_client');
      sendJson(response, 200, inSnakeCase(await this.#tokens(client, form)), { 'cache-control': 'no-store' });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      sendJson(response, 400, { error: error.code === 'NotAuthorizedException' ? 'invalid_grant' : error.code });
    }
  }

  async #tokens(client: Registered['client'], form: URLSearchParams): Promise<Tokens> {
    const { pool } = this.#parts;
    if (form.get('grant_type') === 'refresh_token') return await pool.refresh(client, form.get('refresh_token') ?? '');
    if (form.get('grant_type') !== 'authorization_code') throw new AwsError('unsupported_grant_type', 'unknown grant');
    const { key, authTime, scope } = this.#codes.take(form);
    return await pool.begin(client, key, { scope, authTime });
  }

  /** Goes on with what a client asks for. What is wrong with that is told there, unless it is the way there. */
  async #atClient(
    response: ServerResponse,
    query: URLSearchParams,
    goOn: (authorization: Authorization) => Promise<void>,
  ): Promise<void> {
    const [id, redirectUri] = [query.get('client_id') ?? '', query.get('redirect_uri') ?? ''];
    const { callbackUrls } = this.#parts.clients.get(id)?.client.pages ?? {};
    if (!callbackUrls) return sendPage(response, 400, page('invalid_request: there is no such client', []));
    if (!callbackUrls.includes(redirectUri)) return sendPage(response, 400, page('redirect_mismatch', []));
    const back = { redirectUri, state: query.get('state') ?? undefined };
    await this.#orBack(response, back, () => goOn(this.#read(query)));
  }

  async #orBack(
    response: ServerResponse,
    { redirectUri, state }: Pick<Authorization, 'redirectUri' | 'state'>,
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      redirect(response, withQuery(redirectUri, { error: error.code, error_description: error.message, state }));
    }
  }

  #read(query: URLSearchParams): Authorization {
    const clientId = query.get('client_id') ?? '';
    const { scopes = [], callbackUrls = [] }: Partial<PagesClient> =
      this.#parts.clients.get(clientId)?.client.pages ?? {};
    const redirectUri = query.get('redirect_uri') ?? '';
    if (!callbackUrls.includes(redirectUri)) throw new Refused('invalid_request', 'redirect_mismatch');
    if (query.get('response_type') !== 'code') throw new Refused('unauthorized_client', 'unauthorized_client');
    const scope = query.get('scope') ?? scopes.join(' ');
    if (scope.split(' ').some((name) => !scopes.includes(name))) throw new Refused('invalid_scope', 'invalid_scope');
    const challenge = query.get('code_challenge') ?? undefined;
    if (challenge !== undefined && query.get('code_challenge_method') !== 'S256') {
      throw new Refused('invalid_request', 'code_challenge_method has to be S256');
    }
    return { clientId, redirectUri, scope, state: query.get('state') ?? undefined, challenge };
  }
}

function inSnakeCase({ AccessToken, IdToken, RefreshToken, ExpiresIn }: Tokens): unknown {
  const refresh = RefreshToken === undefined ? {} : { refresh_token: RefreshToken };
  return { access_token: AccessToken, id_token: IdToken, ...refresh, expires_in: ExpiresIn, token_type: 'Bearer' };
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const body = await readBody(request, MAX_BODY);
  if (!body) throw new AwsError('invalid_request', `The body exceeds ${MAX_BODY} bytes.`);
  return new URLSearchParams(body.toString());
}

function cookieOf({ headers }: IncomingMessage): string {
  const cookies = (headers.cookie ?? '').split('; ').map((pair) => pair.split('='));
  return cookies.find(([name]) => name === COOKIE)?.[1] ?? '';
}

function redirect(response: ServerResponse, to: string): void {
  response.writeHead(302, { location: to, 'cache-control': 'no-store' }).end();
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html);
}
