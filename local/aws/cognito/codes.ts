import { createHash } from 'node:crypto';
import { AwsError } from '../errors.ts';
import { fingerprint, newRefreshToken, seconds } from './tokens.ts';

/** How long a code may be exchanged; Cognito's. */
const CODE_SECONDS = 300;

/** What a client asked the pages for. */
export interface Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string | undefined;
  /** SHA-256 of what the client will show, base64url. */
  readonly challenge: string | undefined;
}

/** Who signed in on the pages, and when, in seconds since 1970. */
export interface Visitor {
  readonly key: string;
  readonly authTime: number;
}

/** Codes that were given to browsers, each for one exchange. */
export class Codes {
  readonly #codes = new Map<string, Authorization & Visitor & { readonly until: number }>();

  /** Where the browser goes with its code. */
  give(authorization: Authorization, visitor: Visitor): string {
    const code = newRefreshToken();
    this.#codes.set(fingerprint(code), { ...authorization, ...visitor, until: seconds() + CODE_SECONDS });
    return withQuery(authorization.redirectUri, { code, state: authorization.state });
  }

  /** @throws AwsError `invalid_grant` unless client, address and verifier are those of the code, which works once */
  take(form: URLSearchParams): Authorization & Visitor {
    const print = fingerprint(form.get('code') ?? '');
    const found = this.#codes.get(print);
    this.#codes.delete(print);
    const verifier = form.get('code_verifier');
    const shown = verifier === null ? undefined : createHash('sha256').update(verifier).digest('base64url');
    const isTheirs =
      found?.clientId === form.get('client_id') &&
      found.redirectUri === form.get('redirect_uri') &&
      found.challenge === shown &&
      found.until >= seconds();
    if (!found || !isTheirs) throw new AwsError('invalid_grant', 'invalid_grant');
    return found;
  }
}

/** An address with these in its query; what is undefined is left out. */
export function withQuery(address: string, query: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(address);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
