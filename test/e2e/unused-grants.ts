/** A grant that the walk of least-privilege.test.ts does not use, and why it stays. */
interface UnusedGrant {
  readonly caller: string;
  readonly action: string;
  readonly reason: string;
}

/** The only place that justifies a grant without a recorded call. */
export const unusedGrants: readonly UnusedGrant[] = [];
