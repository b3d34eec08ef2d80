import { Secret, TOTP } from 'otpauth';
import type { AuthenticatorKey } from '../../client/service/second-factor.ts';
import type { Person } from '../../client/service/sign-in.ts';

/** Somebody who signs in, chooses that password when he has to, and has an authenticator app. */
export class Somebody implements Person {
  readonly password: string;
  #totp: TOTP | undefined;
  #used = 0;

  constructor(password = 'Chosen-by-the-user-1') {
    this.password = password;
  }

  readonly newPassword = async (): Promise<string> => this.password;

  /** One that was not given before: that of the next period, which clocks that differ allow, rather than wait. */
  readonly code = async (): Promise<string> => {
    const totp = this.#totp;
    if (!totp) throw new Error('there is no key in the authenticator yet');
    this.#used = Math.max(totp.counter(), this.#used + 1);
    return totp.generate({ timestamp: this.#used * totp.period * 1000 });
  };

  readonly enrol = async ({ uri, secret }: Pick<AuthenticatorKey, 'secret'> & { uri?: string }): Promise<string> => {
    if (uri !== undefined && new URL(uri).searchParams.get('secret') !== secret)
      throw new Error(`${uri} has another key`);
    this.#totp = new TOTP({ secret: Secret.fromBase32(secret) });
    return this.code();
  };
}
