import { Secret, TOTP } from 'otpauth';
import { AwsError } from '../errors.ts';

/** A user's authenticator, as RFC 6238 has it with the numbers that all apps know: SHA-1, 6 digits, 30 s. */
export interface Factor {
  /** Base32. */
  readonly secret: string;
  /** Whether a code of it was seen. */
  readonly verified: boolean;
  /** Whether the user, or an administrator, wants it asked for. */
  readonly enabled: boolean;
  /** The period of the newest code that was taken: none is taken twice. */
  readonly used?: number;
}

const PERIOD_SECONDS = 30;
/** Periods before and after the present one whose codes are taken. */
const WINDOW = 1;

/** Begun again, a factor is as if it had never been set up, until a code proves it. */
export function newFactor(): Factor {
  return { secret: new Secret({ size: 20 }).base32, verified: false, enabled: false };
}

/**
 * The factor once its code was taken.
 * @param mismatch what Cognito says to a wrong one
 * @throws AwsError, also where the code was taken before
 */
export function afterCode(factor: Factor, code: string, mismatch: AwsError): Factor {
  const totp = new TOTP({ secret: Secret.fromBase32(factor.secret), period: PERIOD_SECONDS });
  const offset = totp.validate({ token: code, window: WINDOW });
  if (offset === null) throw mismatch;
  const used = totp.counter() + offset;
  if (factor.used !== undefined && used <= factor.used) {
    throw new AwsError('ExpiredCodeException', 'Your software token has already been used once.');
  }
  return { ...factor, verified: true, used };
}
