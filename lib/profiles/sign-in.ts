import { type Context, text } from './context.ts';

/** How users prove who they are. */
export interface SignIn {
  /** Whether they may have, or have to have, an authenticator app beside their password: `mfa=optional|required`. */
  readonly mfa: 'off' | 'optional' | 'required';
  /** Pages of Cognito to sign in with a browser. @default - none: a password is typed into the client */
  readonly pages?: SignInPagesProps;
}

export interface SignInPagesProps {
  /** Begins the name of their host: `signInDomain=`. @default - the deployment's name and the account's id */
  readonly prefix?: string;
  /** Who signs users in beside Cognito itself. @default - nobody */
  readonly provider?: IdentityProvider;
}

/** A company's own. */
export type IdentityProvider =
  | {
      readonly kind: 'oidc';
      /** `oidcIssuer=`. Below it, `/.well-known/openid-configuration` says the rest. */
      readonly issuer: string;
      /** As the provider knows this service: `oidcClient=`. */
      readonly clientId: string;
      /** Name of the secret in Secrets Manager whose text is the provider's secret for this client: `oidcSecret=`. */
      readonly secretName: string;
    }
  /** `samlMetadata=`: where the provider publishes its metadata. */
  | { readonly kind: 'saml'; readonly metadataUrl: string };

/** Words that Cognito takes for itself. */
const RESERVED = /aws|amazon|cognito/;
const address = /^https:\/\/[^\s?#]+$/;

/** @throws Error that says which key is wrong, or missing */
export function signInFrom(context: Context, name: string): SignIn {
  const mfa = text(context, 'mfa', /^(off|optional|required)$/, 'off, optional or required') ?? 'off';
  const pages = pagesFrom(context);
  if (RESERVED.test(pages?.prefix ?? (pages ? name.toLowerCase() : ''))) {
    throw new Error('The host of the sign-in pages may not hold "aws", "amazon" or "cognito": give signInDomain.');
  }
  return { mfa: mfa as SignIn['mfa'], ...(pages && { pages }) };
}

function pagesFrom(context: Context): SignInPagesProps | undefined {
  const form = 'up to 63 small letters, digits and hyphens';
  const prefix = text(context, 'signInDomain', /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, form);
  const provider = providerFrom(context);
  return prefix || provider ? { ...(prefix && { prefix }), ...(provider && { provider }) } : undefined;
}

function providerFrom(context: Context): IdentityProvider | undefined {
  const issuer = text(context, 'oidcIssuer', address, 'the address of the provider: https://…');
  const clientId = text(context, 'oidcClient', /^[\x21-\x7e]+$/, 'the id by which the provider knows this service');
  const secretName = text(context, 'oidcSecret', /^[\w/+=.@-]+$/, 'the name of a secret in Secrets Manager');
  const metadataUrl = text(context, 'samlMetadata', address, 'the address of the metadata: https://…');
  const oidc = [issuer, clientId, secretName].filter((value) => value !== undefined).length;
  if (oidc > 0 && metadataUrl) throw new Error('Give one identity provider: that of oidcIssuer or of samlMetadata.');
  if (metadataUrl) return { kind: 'saml', metadataUrl };
  if (issuer && clientId && secretName) return { kind: 'oidc', issuer, clientId, secretName };
  if (oidc === 0) return undefined;
  throw new Error('An OIDC provider takes three keys of the context: oidcIssuer, oidcClient and oidcSecret.');
}
