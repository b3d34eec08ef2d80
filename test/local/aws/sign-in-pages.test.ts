import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type SignInPages, signInWithBrowser } from '../../../client/service/browser-sign-in.ts';
import { setUpSecondFactor } from '../../../client/service/second-factor.ts';
import { signInWithPassword, signInWithRefreshToken } from '../../../client/service/sign-in.ts';
import { loadTls } from '../../../local/tls.ts';
import { Browser, type Page } from '../../support/browser.ts';
import { type Company, startCompany } from '../../support/company.ts';
import { Somebody } from '../../support/person.ts';
import { freePorts } from '../../support/ports.ts';
import { type Fixture, startFixture } from './fixture.ts';

// The client's sign-in by a browser, against the pages of the local Cognito and a real OpenID provider behind them.

const HOST = 'tidemark-test.auth.us-east-1.amazoncognito.com';
let cloud: Fixture;
let company: Company;
let pages: SignInPages;
let provider: { provider_url: string; client_id: string };
let callbacks: string[];
let pool: string;

/** What the template makes, with something else in its client. */
async function provideClient(name: string, properties: object = {}): Promise<string> {
  const client = await cloud.provide('AWS::Cognito::UserPoolClient', name, {
    UserPoolId: pool,
    ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
    AllowedOAuthFlowsUserPoolClient: true,
    AllowedOAuthFlows: ['code'],
    AllowedOAuthScopes: ['openid', 'email'],
    CallbackURLs: callbacks,
    SupportedIdentityProviders: ['COGNITO', 'Company'],
    WriteAttributes: ['email'],
    ...properties,
  });
  return client.ref;
}

beforeAll(async () => {
  cloud = await startFixture();
  const port = await freePorts(4);
  callbacks = [1, 2, 3].map((index) => `http://localhost:${port + index}/signed-in`);
  const base = `https://127.0.0.1:${cloud.port + 2}/pages/${HOST}`;
  company = await startCompany(await loadTls(cloud.data), { port, redirectUri: `${base}/oauth2/idpresponse` });
  const users = await cloud.provide('AWS::Cognito::UserPool', 'Users', {
    UsernameAttributes: ['email'],
    UsernameConfiguration: { CaseSensitive: false },
    MfaConfiguration: 'ON',
    EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
  });
  pool = users.ref;
  await cloud.provide('AWS::SecretsManager::Secret', 'Idp', { Name: 'idp', SecretString: company.client.secret });
  await cloud.provide('AWS::Cognito::UserPoolIdentityProvider', 'Provider', {
    UserPoolId: pool,
    ProviderName: 'Company',
    ProviderType: 'OIDC',
    AttributeMapping: { email: 'email' },
    ProviderDetails: {
      client_id: company.client.id,
      client_secret: '{{resolve:secretsmanager:idp:SecretString:::}}',
      oidc_issuer: company.issuer,
      authorize_scopes: 'openid email',
    },
  });
  const domain = await cloud.provide('AWS::Cognito::UserPoolDomain', 'Pages', {
    UserPoolId: pool,
    Domain: 'tidemark-test',
  });
  const url = `https://${domain.ref}.auth.us-east-1.amazoncognito.com`;
  expect(url).toBe(base);
  pages = { url, client_id: await provideClient('Client'), callback_urls: callbacks };
  provider = { provider_url: String(users.attributes.ProviderURL), client_id: pages.client_id };
});
afterAll(async () => {
  company.stop();
  await cloud.stop();
});

/** A sign-in by the client, and what the user does on the page at which the browser opens. */
function signIn(act: (browser: Browser, page: Page) => Promise<unknown>, to = pages, browser = new Browser()) {
  let last: Promise<unknown> | undefined;
  const show = (url: string): void => {
    last = browser.visit(url).then((page) => act(browser, page));
  };
  return signInWithBrowser(to, { show, patienceMs: 60_000 }).finally(() => last);
}
const atCompany = (name: string) => async (browser: Browser, page: Page) =>
  company.signIn(browser, await browser.follow(page, 'Company'), name);

describe('a user of the company', () => {
  test('signs in there, is the same one each time, and gets tokens that change no account', async () => {
    let end: Page | undefined;
    const { tokens, username } = await signIn(async (browser, page) => {
      end = await atCompany('ada')(browser, page);
    });
    expect([end?.status, end?.html]).toEqual([200, expect.stringContaining('You can close this page')]);
    expect(username).toBe('ada@company.example (company_ada)');
    const claims = decodeJwt(tokens.access);
    expect(claims).toMatchObject({ client_id: pages.client_id, scope: 'openid email', username: 'company_ada' });
    expect(claims.sub).toMatch(/^[0-9a-f-]{36}$/);
    const again = await signIn(atCompany('ada'));
    expect(decodeJwt(again.tokens.access)).toMatchObject({ sub: claims.sub });
    expect(decodeJwt(again.tokens.access).origin_jti).not.toBe(claims.origin_jti);
    const later = decodeJwt((await signInWithRefreshToken(provider, tokens.refresh!)).access);
    expect(later).toMatchObject({ sub: claims.sub, origin_jti: claims.origin_jti, scope: 'openid email' });
    const change = setUpSecondFactor(provider, { username, accessToken: tokens.access }, new Somebody().enrol);
    await expect(change).rejects.toThrow(/does not have required scopes/);
  });

  test('is not the user with a password who has the same address', async () => {
    await cloud.services.createUser(pool, { username: 'eve@company.example', password: 'Correct-horse-1' });
    const { username, tokens } = await signIn(atCompany('eve'));
    expect(username).toBe('eve@company.example (company_eve)');
    const person = new Somebody('Correct-horse-1');
    const own = await signIn(byPassword('eve@company.example', person));
    expect(own.username).toBe('eve@company.example');
    expect(decodeJwt(own.tokens.access).sub).not.toBe(decodeJwt(tokens.access).sub);
  });

  test('is not let in where the client may not write what the provider says of him', async () => {
    const client_id = await provideClient('Reader', { WriteAttributes: ['name'] });
    const refused = signIn((browser, page) => browser.follow(page, 'Company'), { ...pages, client_id });
    await expect(refused).rejects.toThrow('user.email: Attribute cannot be updated.');
  });
});

/** Signs in on the page itself, with whatever it asks for. */
function byPassword(username: string, person: Somebody) {
  return async (browser: Browser, page: Page): Promise<Page> => {
    let now = await browser.submit(page, { username, password: person.password });
    while (now.html.includes('name="answer"')) {
      const secret = /<code>(\w+)<\/code>/.exec(now.html)?.[1];
      const answer = secret ? await person.enrol({ secret }) : await person.code();
      now = await browser.submit(now, { answer });
    }
    return now;
  };
}

test('a user with a password sets his second factor up on the page, and is asked for it at the next sign-in', async () => {
  const [username, person] = ['grace@example.com', new Somebody('Correct-horse-1')];
  await cloud.services.createUser(pool, { username, password: person.password });
  const { tokens } = await signIn(byPassword(username, person));
  const again = await signIn(byPassword(username, person));
  expect(decodeJwt(again.tokens.access).sub).toBe(decodeJwt(tokens.access).sub);
  const past = signInWithPassword({ ...provider, client_id: pages.client_id }, username, person.password, person);
  await expect(past).rejects.toThrow(/USER_PASSWORD_AUTH flow not enabled for this client/);
});

test('each sign-in asks, though the browser is known', async () => {
  const browser = new Browser();
  const first = decodeJwt((await signIn(atCompany('kurt'), pages, browser)).tokens.access);
  const seen: string[] = [];
  await signIn(
    async (same, page) => {
      seen.push(page.html);
      return await same.follow(page, 'Company').then((at) => (at.html.includes('<form') ? same.submit(at) : at));
    },
    pages,
    browser,
  );
  expect(seen[0]).toContain('name="password"');
  expect(first.sub).toBeDefined();
});

describe('the client', () => {
  test('takes one answer, and only that to its own question', async () => {
    const statuses: number[] = [];
    const { username } = await signIn(async (browser, page) => {
      const redirect = new URL(new URL(page.url).searchParams.get('redirect_uri')!);
      for (const query of ['?code=stolen&state=guessed', '?code=stolen', '']) {
        statuses.push((await browser.visit(redirect.href + query)).status);
      }
      statuses.push((await browser.visit(new URL('/other', redirect).href)).status);
      await atCompany('ida')(browser, page);
    });
    expect([statuses, username]).toEqual([[400, 400, 400, 404], 'ida@company.example (company_ida)']);
  });

  test('says what the provider says when that does not sign in', async () => {
    const refused = signIn(async (browser, page) => {
      const there = await browser.follow(page, 'Company');
      await browser.follow(there, '[ Cancel ]');
    });
    await expect(refused).rejects.toThrow(/sign-in refused: .*did not sign the user in/);
  });

  test('waits for so long and no longer', async () => {
    const show = (): void => undefined;
    await expect(signInWithBrowser(pages, { show, patienceMs: 10 })).rejects.toThrow(/nobody signed in within/);
  });

  test('takes another port where one is taken, and says when all are', async () => {
    const [first, second, third] = callbacks.map((url) => Number(new URL(url).port));
    const occupy = async (port: number, host: string): Promise<void> => {
      const server = createServer().listen(port, host);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
    };
    await occupy(first!, '127.0.0.1');
    // Whoever has only the other half of `localhost` would hear what the browser says.
    await occupy(second!, '::1');
    const { username } = await signIn(atCompany('joan'));
    expect(username).toBe('joan@company.example (company_joan)');
    await occupy(third!, '127.0.0.1');
    await expect(signIn(atCompany('joan'))).rejects.toThrow(`the ports ${first}, ${second}, ${third} of this machine`);
  });

  test('sends a browser nowhere but to this machine', async () => {
    const elsewhere = { ...pages, callback_urls: ['https://evil.example/signed-in'] };
    await expect(signIn(atCompany('ada'), elsewhere)).rejects.toThrow('which is not this machine');
  });
});

describe('the pages', () => {
  const verifier = 'a'.repeat(43);
  const asked = (more: Record<string, string> = {}): string => {
    const query = new URLSearchParams({
      response_type: 'code',
      client_id: pages.client_id,
      redirect_uri: callbacks[0]!,
      state: 's',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...more,
    });
    return `${pages.url}/oauth2/authorize?${query}`;
  };
  const location = async (url: string): Promise<URL> => {
    const response = await fetch(url, { redirect: 'manual' });
    return new URL(response.headers.get('location') ?? `https://none/?status=${response.status}`);
  };

  test.each([
    [{ redirect_uri: 'http://localhost:1/signed-in' }, 'status', '400'],
    [{ client_id: 'another' }, 'status', '400'],
    [{ response_type: 'token' }, 'error', 'unauthorized_client'],
    [{ scope: 'openid aws.cognito.signin.user.admin' }, 'error', 'invalid_scope'],
    [{ code_challenge_method: 'plain' }, 'error', 'invalid_request'],
    [{ identity_provider: 'Another' }, 'error', 'invalid_request'],
  ])('refuse %j', async (more, key, value) => {
    expect((await location(asked(more))).searchParams.get(key)).toBe(value);
  });

  test('give tokens for a code once, to who can show what its challenge was made of', async () => {
    const code = async (): Promise<string> => {
      const browser = new Browser();
      const { promise, resolve } = Promise.withResolvers<string>();
      const server = createServer((request, response) => {
        resolve(new URL(request.url!, callbacks[0]).searchParams.get('code')!);
        response.end();
      }).listen(Number(new URL(callbacks[0]!).port), '127.0.0.1');
      await once(server, 'listening');
      await atCompany('alan')(browser, await browser.visit(asked({ prompt: 'login' })));
      server.close().closeAllConnections();
      return await promise;
    };
    const exchange = async (form: Record<string, string>): Promise<unknown> => {
      const body = new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: pages.client_id,
        redirect_uri: callbacks[0]!,
        ...form,
      });
      const response = await fetch(`${pages.url}/oauth2/token`, { method: 'POST', body });
      return { status: response.status, ...((await response.json()) as object) };
    };
    const invalid = { status: 400, error: 'invalid_grant' };
    expect(await exchange({ code: await code() })).toEqual(invalid);
    expect(await exchange({ code: await code(), code_verifier: 'b'.repeat(43) })).toEqual(invalid);
    expect(await exchange({ code: await code(), code_verifier: verifier, redirect_uri: callbacks[1]! })).toEqual(
      invalid,
    );
    const good = { code: await code(), code_verifier: verifier };
    expect(await exchange(good)).toMatchObject({
      status: 200,
      token_type: 'Bearer',
      refresh_token: expect.any(String),
    });
    expect(await exchange(good)).toEqual(invalid);
  });

  test.each([
    [{ CallbackURLs: ['http://127.0.0.1:1/'] }, /HTTP is taken for http:\/\/localhost alone/],
    [{ CallbackURLs: ['http://localhost:*/'] }, /compared whole/],
    [{ SupportedIdentityProviders: ['Unknown'] }, /The provider Unknown does not exist/],
    [{ AllowedOAuthFlows: ['implicit'] }, /without a secret, by the flow "code" alone/],
  ])('are refused to a client with %j', async (properties, message) => {
    await expect(provideClient('Wrong', properties)).rejects.toThrow(message);
  });
});
