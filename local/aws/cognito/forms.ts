import { escapeXml } from '../errors.ts';
import type { SignIn } from './pool.ts';

type Challenge = Extract<SignIn, { challenge: unknown }>;

/** The page on which a user signs in, or leaves for his provider. */
export function loginPage(
  action: string,
  providers: readonly { name: string; url: string }[],
  failure?: string,
): string {
  const links = providers.map(({ name, url }) => `<p><a href="${escapeXml(url)}">${escapeXml(name)}</a></p>`);
  const fields = [field('username', 'Address', 'email'), field('password', 'Password', 'password')];
  return page(failure, [...links, form(action, fields)]);
}

/** What a sign-in asks for besides. `secret` is the key of a new authenticator. */
export function challengePage(action: string, challenge: Challenge, secret?: string, failure?: string): string {
  const { challenge: name, session, userId } = challenge;
  const hidden = Object.entries({ challenge: name, session, user: userId }).map(
    ([key, value]) => `<input type="hidden" name="${key}" value="${escapeXml(value)}">`,
  );
  const asked = {
    NEW_PASSWORD_REQUIRED: field('answer', 'New password', 'password'),
    SOFTWARE_TOKEN_MFA: field('answer', 'Code of your authenticator app', 'text'),
    MFA_SETUP: `<p>Put this key into an authenticator app: <code>${secret}</code></p>${field('answer', 'Its code', 'text')}`,
  }[name];
  return page(failure, [form(action, [...hidden, asked])]);
}

function field(name: string, label: string, type: string): string {
  return `<p><label>${label} <input name="${name}" type="${type}" required></label></p>`;
}

function form(action: string, fields: readonly string[]): string {
  return `<form method="post" action="${escapeXml(action)}">${fields.join('')}<p><button>Sign in</button></p></form>`;
}

export function page(failure: string | undefined, parts: readonly string[]): string {
  const said = failure === undefined ? '' : `<p role="alert">${escapeXml(failure)}</p>`;
  return `<!doctype html><html lang="en"><title>Sign in</title><h1>Local sign-in</h1>${said}${parts.join('')}</html>`;
}
