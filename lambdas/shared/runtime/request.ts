import type { SignIn } from '../../../protocol/internal/sign-in.ts';

let currentId: string | undefined;
let currentSignIn: SignIn | undefined;

/** Says on which request, by API Gateway's id, this instance works. An instance has one at a time. */
export function beginRequest(id: string | undefined): void {
  currentId = id;
  currentSignIn = undefined;
}

/** Says by which sign-in the request comes. */
export function comesBy(signIn: SignIn): void {
  currentSignIn = signIn;
}

/** The request that this instance works on; undefined outside one. */
export function requestId(): string | undefined {
  return currentId;
}

/** The sign-in by which the request comes. Throws where no token was looked at. */
export function callerSignIn(): SignIn {
  if (!currentSignIn) throw new Error('the caller has no sign-in: nothing looked at a token');
  return currentSignIn;
}
