import { Secret, TOTP } from 'otpauth';
import type { Person } from '../client/service/sign-in.ts';

/**
 * Answers for a user without anybody at the keyboard.
 * @param key that of his authenticator, in base32. @default - he has no second factor
 * @returns who throws an Error with what to do where only a person can answer
 */
export function automaticPerson(username: string, key?: string): Person {
  const refuse = (why: string) => async (): Promise<never> => {
    throw new Error(`${username} ${why}`);
  };
  const first = "sign him in once by 'tidemark login'";
  return {
    newPassword: refuse(`has to choose a password first: ${first}, and give that password`),
    enrol: refuse(`has to set up a second factor first: ${first}, and give the key that it shows in TIDEMARK_TOTP_KEY`),
    code:
      key === undefined
        ? refuse('has a second factor: give the key of his authenticator in TIDEMARK_TOTP_KEY')
        : async () => codeOf(key),
  };
}

/** The code of this half minute, with the numbers that Cognito takes: SHA-1, six digits, 30 seconds. */
function codeOf(key: string): string {
  if (!/^[A-Z2-7]{16,}=*$/i.test(key.trim())) {
    throw new Error('TIDEMARK_TOTP_KEY is no key of an authenticator: it has letters and the digits 2 to 7 only');
  }
  return new TOTP({ secret: Secret.fromBase32(key.trim()) }).generate();
}
