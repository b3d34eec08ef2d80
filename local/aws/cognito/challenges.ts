import { AwsError } from '../errors.ts';
import { fingerprint, newRefreshToken, seconds } from './tokens.ts';

export type ChallengeName = 'NEW_PASSWORD_REQUIRED' | 'SOFTWARE_TOKEN_MFA' | 'MFA_SETUP';

/** What a sign-in still has to give. */
export interface Challenge {
  readonly name: ChallengeName;
  /** By which the pool keeps the user. */
  readonly key: string;
  /** Of MFA_SETUP: whether the new factor was proven. */
  readonly proven?: boolean;
}

/** How long a challenge may be answered; Cognito's default. */
const CHALLENGE_SECONDS = 180;

/** Sign-ins that are not complete, by the session that the last answer gave. */
export class Challenges {
  readonly #open = new Map<string, Challenge & { readonly until: number }>();

  /** @returns the session */
  begin(challenge: Challenge): string {
    const session = newRefreshToken();
    this.#open.set(fingerprint(session), { ...challenge, until: seconds() + CHALLENGE_SECONDS });
    return session;
  }

  /** @throws AwsError where no such challenge is open */
  find(session: string, name: ChallengeName): Challenge {
    const found = this.#open.get(fingerprint(session));
    if (found && found.name === name && found.until >= seconds()) return found;
    throw new AwsError('NotAuthorizedException', 'Invalid session for the user, session is expired.');
  }

  end(session: string): void {
    this.#open.delete(fingerprint(session));
  }
}
