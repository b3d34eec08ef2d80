import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { ServiceResponse } from '../../protocol/service.ts';
import { ClientError } from '../common/errors.ts';
import { triedOnce } from '../common/retry.ts';
import { sleep } from '../common/waits.ts';
import { ask } from './ask.ts';
import { WHO } from './cognito.ts';
import { notOurs, parseJson } from './errors.ts';
import { listenForBrowser } from './loopback.ts';
import type { Tokens } from './sign-in.ts';

export type SignInPages = NonNullable<ServiceResponse['auth']['pages']>;

/** For how long somebody is waited for. */
const PATIENCE_MS = 5 * 60_000;
const TIMEOUT_MS = 30_000;

const Granted = z.object({
  access_token: z.string(),
  id_token: z.string(),
  refresh_token: z.string(),
  /** Seconds. */
  expires_in: z.number(),
});
const Refused = z.object({ error: z.string() });

const Identity = z.object({
  sub: z.string(),
  email: z.string().optional(),
  'cognito:username': z.string(),
});

interface Options {
  /** Takes the user to an address. */
  readonly show: (url: string) => void;
  /** @default five minutes */
  readonly patienceMs?: number;
}

const random = (): string => randomBytes(32).toString('base64url');

/**
 * Signs in on the pages of the service, as RFC 8252 says for programs on the user's machine: what the browser brings back
 * is of use to nobody but who can show what its hash was made of (PKCE).
 * @returns the tokens, and the name by which the user is known here
 * @throws ClientError `sign_in_refused` when nobody signs in, or the service says no
 */
export async function signInWithBrowser(
  pages: SignInPages,
  { show, patienceMs = PATIENCE_MS }: Options,
): Promise<{ tokens: Tokens; username: string }> {
  const [state, verifier] = [random(), random()];
  const loopback = await listenForBrowser(pages.callback_urls, state);
  try {
    show(addressOf(pages, loopback.url, { state, verifier }));
    const code = codeIn(await orTooLate(loopback.answer, patienceMs));
    const granted = await exchange(pages, { code, redirect_uri: loopback.url, code_verifier: verifier });
    const tokens = {
      access: granted.access_token,
      until: performance.now() + granted.expires_in * 1000,
      refresh: granted.refresh_token,
    };
    return { tokens, username: usernameIn(granted.id_token) };
  } finally {
    loopback.close();
  }
}

function addressOf(
  { url, client_id }: SignInPages,
  redirectUri: string,
  { state, verifier }: { state: string; verifier: string },
): string {
  const asked = {
    response_type: 'code',
    client_id,
    redirect_uri: redirectUri,
    scope: 'openid email',
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    // A device is registered by whoever sits here, not by whoever the browser remembers.
    prompt: 'login',
  };
  return `${at(url)}/oauth2/authorize?${new URLSearchParams(asked)}`;
}

async function orTooLate(answer: Promise<URLSearchParams>, patienceMs: number): Promise<URLSearchParams> {
  const over = new AbortController();
  const tooLate = sleep(patienceMs, over.signal).then(() => {
    const minutes = Math.round(patienceMs / 60_000);
    throw new ClientError('sign_in_refused', `nobody signed in within ${minutes} minutes: run the command again`);
  });
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    tooLate.catch(() => undefined);
    over.abort();
  }
}

function codeIn(answer: URLSearchParams): string {
  const code = answer.get('code');
  if (code) return code;
  const why = answer.get('error_description') ?? answer.get('error') ?? 'no reason given';
  throw new ClientError('sign_in_refused', `sign-in refused: ${why}`);
}

/** Once: a code is taken for one exchange. */
async function exchange(
  { url, client_id }: SignInPages,
  shown: Readonly<Record<'code' | 'redirect_uri' | 'code_verifier', string>>,
): Promise<z.infer<typeof Granted>> {
  const form = new URLSearchParams({ grant_type: 'authorization_code', client_id, ...shown });
  const answer = await triedOnce(() =>
    ask(WHO, `${at(url)}/oauth2/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: Buffer.from(form.toString()),
      timeoutMs: TIMEOUT_MS,
    }),
  );
  const json = parseJson(answer.text);
  const granted = Granted.safeParse(json);
  if (answer.status === 200 && granted.success) return granted.data;
  const refused = Refused.safeParse(json);
  if (answer.status >= 500 || !refused.success) throw notOurs(WHO, answer);
  throw new ClientError('sign_in_refused', `sign-in refused: ${refused.data.error}; run the command again`);
}

/**
 * The address, and beside it Cognito's name of a user whom an identity provider signs in: he may have the address of a user
 * with a password, and is another one. The token comes straight from where it is made, so that its signature says nothing more.
 */
function usernameIn(idToken: string): string {
  const [, payload = ''] = idToken.split('.');
  const identity = Identity.safeParse(parseJson(Buffer.from(payload, 'base64url').toString()));
  if (!identity.success)
    throw new ClientError('sign_in_refused', 'sign-in refused: the service does not say who you are');
  const { sub, email, 'cognito:username': name } = identity.data;
  if (email === undefined) return name;
  return name === sub ? email : `${email} (${name})`;
}

function at(url: string): string {
  return url.replace(/\/+$/, '');
}
