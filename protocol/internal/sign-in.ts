/** What the caller's tokens have in common since he last gave his password. */
export interface SignIn {
  /** The claim origin_jti: stays when tokens are refreshed. */
  readonly id: string;
  /** When it was: milliseconds since 1970. */
  readonly at: number;
}
