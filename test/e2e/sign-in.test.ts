import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findService } from '../../client/service/find-service.ts';
import { signInWithPassword } from '../../client/service/sign-in.ts';
import { loadTls } from '../../local/tls.ts';
import { admin } from '../support/admin.ts';
import { changedAssembly } from '../support/assembly.ts';
import { Browser } from '../support/browser.ts';
import { type Company, startCompany } from '../support/company.ts';
import { Somebody } from '../support/person.ts';
import { freePorts } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';
import { assemblyOf } from '../support/synthesis.ts';

// The commands of a user, in a deployment that wants a second factor and has a company's identity provider.

const PREFIX = 'tidemark-e2e';
const SECRET = 'tidemark/oidc';
let service: Service;
let company: Company;
let folder: string;

beforeAll(async () => {
  const [data, port, companyPort] = [await scratch('tidemark-sign-in-'), await freePorts(10), await freePorts(1)];
  const pages = `https://127.0.0.1:${port + 4}/pages/${PREFIX}.auth.us-east-1.amazoncognito.com`;
  company = await startCompany(await loadTls(data), { port: companyPort, redirectUri: `${pages}/oauth2/idpresponse` });
  const assembly = await assemblyOf({
    profile: 'team',
    mfa: 'required',
    signInDomain: PREFIX,
    oidcIssuer: 'https://company.example',
    oidcClient: company.client.id,
    oidcSecret: SECRET,
  });
  // What the operator does outside the template: the secret, and a provider of his own.
  const own = await changedAssembly(assembly, ({ Resources }) => {
    const provider = Object.values(Resources).find(({ Type }) => Type === 'AWS::Cognito::UserPoolIdentityProvider');
    if (!provider) return 0;
    (provider.Properties.ProviderDetails as Record<string, string>).oidc_issuer = company.issuer;
    const Properties = { Name: SECRET, SecretString: company.client.secret };
    Resources.CompanySecret = { Type: 'AWS::SecretsManager::Secret', Properties };
    Object.assign(provider, { DependsOn: ['CompanySecret'] });
    return 1;
  });
  service = await startService(own, { data, port });
  folder = await scratch('tidemark-users-');
}, 240_000);
afterAll(async () => {
  company.stop();
  await service.stop();
});

/** Runs a command of a device; `answer` gives what is typed when that was printed, if anything. */
async function tidemark(
  device: string,
  words: readonly string[],
  answer: (printed: string) => Promise<string | undefined>,
  input = '',
): Promise<string> {
  const main = join(import.meta.dirname, '../../client/main.ts');
  const child = spawn(process.execPath, [main, '--config', join(folder, device), ...words], {
    env: { ...process.env, BROWSER: 'true' },
  });
  child.stdin.write(input);
  let [out, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => {
    said += text;
    void answer(text).then((line) => line !== undefined && child.stdin.write(`${line}\n`));
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(said);
  return out;
}

/** Goes to the page that the command prints, and signs in at the company. */
const inBrowser = (name: string) => async (printed: string) => {
  const url = /https:\/\/\S+\/oauth2\/authorize\S+/.exec(printed)?.[0];
  if (!url) return undefined;
  const browser = new Browser();
  await company.signIn(browser, await browser.follow(await browser.visit(url), 'Company'), name);
  return undefined;
};

const login = (device: string, ...words: string[]): string[] => [
  'login',
  service.cloud.urls.api,
  '--ca',
  service.cloud.ca,
  '--device-name',
  device,
  ...words,
];

test('a user of the company signs two devices in by the browser, syncs, and shuts one out the same way', async () => {
  for (const device of ['desk', 'road']) {
    const said = await tidemark(device, login(device, '--browser'), inBrowser('ada'));
    expect(said).toContain(`signed in as ada@company.example (company_ada); this device is ${device}`);
  }
  const nothing = async (): Promise<undefined> => undefined;
  const [desk, road] = [await scratch('tidemark-desk-'), await scratch('tidemark-road-')];
  await writeFile(join(desk, 'note'), 'from the desk');
  await tidemark('desk', ['sync', desk, '--once'], nothing);
  await tidemark('road', ['sync', road, '--once'], nothing);
  expect(await readFile(join(road, 'note'), 'utf8')).toBe('from the desk');
  const revoked = await tidemark('desk', ['devices', '--revoke', 'road'], inBrowser('ada'));
  expect(revoked).toContain('road is revoked');

  const { lines } = await admin(service, 'users', 'list');
  expect(lines).toContainEqual(
    expect.objectContaining({ email: 'ada@company.example', state: 'external', devices: 1 }),
  );
  expect((await admin(service, 'users', 'disable', 'ada@company.example')).code).toBe(0);
  await expect(tidemark('desk', ['sync', desk, '--once'], nothing)).rejects.toThrow('sign-in has ended');
});

test('a user with a password sets up a second factor when he signs in, and another one later', async () => {
  const username = 'grace@tidemark.example';
  const person = new Somebody('Correct-horse-1');
  await service.cloud.services.createUser(service.cloud.outputs.UserPoolId!, { username, password: person.password });
  const typed = (now: Somebody) => async (printed: string) => {
    const secret = /^ {2}([A-Z2-7]+)$/m.exec(printed)?.[1];
    return secret === undefined ? undefined : await now.enrol({ secret });
  };
  const signIn = (device: string, now: Somebody, code = '') =>
    tidemark(
      device,
      login(device, '--user', username, '--password-stdin'),
      typed(now),
      [person.password, code, ''].filter((line, index) => line !== '' || index === 2).join('\n'),
    );
  expect(await signIn('first', person)).toContain(`signed in as ${username}`);
  expect(await signIn('second', person, await person.code())).toContain(`signed in as ${username}`);
  const fresh = new Somebody(person.password);
  expect(await tidemark('first', ['mfa', '--password-stdin'], typed(fresh))).toContain('has a second factor');
  expect(await signIn('third', fresh, await fresh.code())).toContain(`signed in as ${username}`);
});

test('the smoke test signs a user in who has a second factor, by its key, and says what it lacks without one', async () => {
  const username = 'smoke@tidemark.example';
  const person = new Somebody('Correct-horse-1');
  await service.cloud.services.createUser(service.cloud.outputs.UserPoolId!, { username, password: person.password });
  const smoke = async (environment: Record<string, string> = {}): Promise<{ code: number; out: string }> => {
    const main = join(import.meta.dirname, '../../smoke/main.ts');
    const child = spawn(process.execPath, [main, '--url', url, '--user', username, '--ca', service.cloud.ca], {
      env: { PATH: process.env.PATH, TIDEMARK_PASSWORD: person.password, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return { code, out };
  };
  const url = service.cloud.urls.api;
  expect((await smoke()).out).toMatch(/FAILED sign-in .*has to set up a second factor first: .*'tidemark login'/);

  let key = '';
  const enrol = async ({ secret }: { secret: string }): Promise<string> => {
    key = secret;
    const totp = new TOTP({ secret: Secret.fromBase32(secret) });
    // A code works once. That of the period before is taken too, but not for long after the period.
    if (totp.remaining() < 5000) await setTimeout(totp.remaining());
    return totp.generate({ timestamp: Date.now() - totp.period * 1000 });
  };
  const { auth } = await findService(url);
  await signInWithPassword(auth, username, person.password, { ...person, enrol });
  expect((await smoke()).out).toMatch(/FAILED sign-in .*give the key of his authenticator in TIDEMARK_TOTP_KEY/);
  expect((await smoke({ TIDEMARK_TOTP_KEY: '123456' })).out).toMatch(/TIDEMARK_TOTP_KEY is no key/);
  const { code, out } = await smoke({ TIDEMARK_TOTP_KEY: key });
  expect({ code, out }).toMatchObject({ code: 0, out: expect.stringMatching(/ok {5}revoke/) });
});
