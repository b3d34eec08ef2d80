import { z } from 'zod';
import { callOnce, type Provider } from './cognito.ts';

/** What an authenticator app needs to make codes for a user. */
export interface AuthenticatorKey {
  /** Base32. */
  readonly secret: string;
  /** The same as a link that such apps open, or read from a QR code. */
  readonly uri: string;
}

/** Shows a key, and asks for the first code that an authenticator makes of it. */
export type Enrol = (key: AuthenticatorKey) => Promise<string>;

/** By whom a key is asked for: who is in the middle of a sign-in, or signed in. */
type Holder = { readonly Session: string } | { readonly AccessToken: string };

const Associated = z.object({ SecretCode: z.string(), Session: z.string().optional() });
const Verified = z.object({ Status: z.literal('SUCCESS'), Session: z.string().optional() });

/**
 * Gives a user a key, and has it proven.
 * @returns the session with which a sign-in goes on
 * @throws ClientError `sign_in_refused`
 */
export async function enrolKey(
  provider: Provider,
  username: string,
  holder: Holder,
  enrol: Enrol,
): Promise<string | undefined> {
  const { SecretCode: secret, Session } = await callOnce(provider, {
    operation: 'AssociateSoftwareToken',
    members: holder,
    answer: Associated,
    refused: (reason) => `no second factor can be set up: ${reason}`,
  });
  const uri = `otpauth://totp/${encodeURIComponent(`Tidemark:${username}`)}?secret=${secret}&issuer=Tidemark`;
  const code = await enrol({ secret, uri });
  const verified = await callOnce(provider, {
    operation: 'VerifySoftwareToken',
    members: { ...holder, ...(Session && { Session }), UserCode: code, FriendlyDeviceName: 'tidemark' },
    answer: Verified,
    refused: codeRefused,
  });
  return verified.Session;
}

/**
 * Gives a signed-in user a second factor, or another one in place of it: from now on a sign-in by password asks for it.
 * @throws ClientError `sign_in_refused`, for instance where the service has no second factors
 */
export async function setUpSecondFactor(
  provider: Provider,
  { username, accessToken: AccessToken }: { username: string; accessToken: string },
  enrol: Enrol,
): Promise<void> {
  await enrolKey(provider, username, { AccessToken }, enrol);
  await callOnce(provider, {
    operation: 'SetUserMFAPreference',
    members: { AccessToken, SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true } },
    answer: z.object({}),
    refused: (reason) => `the second factor is not asked for yet: ${reason}`,
  });
}

/** What a person is told whose code Cognito does not take. */
export function codeRefused(reason: string): string {
  return `the code was refused: ${reason} A code works once, for half a minute, by a clock that is right.`;
}
