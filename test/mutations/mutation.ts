/** A mistake in the code that a test has to notice. */
export interface Mutation {
  /** What somebody got wrong. */
  readonly mistake: string;
  /** Path from the root of the repository. */
  readonly file: string;
  /** Stands in the file once. */
  readonly replace: string;
  readonly by: string;
  /** The test's file, without `test/` and `.test.ts`, and its name, as `docs/sync-spec.md` cites tests. */
  readonly noticedBy: `${string}: ${string}`;
  /** What the failure says, so that it is of this mistake and no other. */
  readonly breaks: RegExp;
}

/** What the player plays: some tests of one file, with the change or without any. */
export interface Play {
  readonly change: Pick<Mutation, 'file' | 'replace' | 'by'> | undefined;
  /** Without `test/` and `.test.ts`. */
  readonly testFile: string;
  readonly names: readonly string[];
}

/** What came of it. */
export interface Outcome {
  /** Why nothing could be played; empty when it could. */
  readonly problem: string;
  readonly passed: number;
  /** The messages of the tests that failed. */
  readonly failures: readonly string[];
}
