import type { SignIn } from '../../protocol/internal/sign-in.ts';
import { limits } from '../../protocol/limits.ts';
import { Refusal } from '../shared/answers/errors.ts';

/** Demands that the password was given minutes ago, for what a stolen token must not do. */
export function requireFresh({ at }: SignIn, what: string): void {
  if (Date.now() - at <= limits.freshSignInMinutes * 60_000) return;
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  throw new Refusal('fresh_sign_in_required', `you signed in at ${when} UTC: to ${what}, sign in again`);
}
