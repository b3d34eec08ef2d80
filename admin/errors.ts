/** Exit codes of the `tidemark-admin` command, also listed in its `--help`. */
export const exitCode = { failure: 1, usage: 2, access: 3, damage: 4 } as const;

/** A failure that the operator can do something about; the message says what. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly exitCode: number;

  constructor(kind: keyof typeof exitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode[kind];
  }
}
