import { exitCode as common } from '../cli/exit-code.ts';

/** Exit codes of the `tidemark-admin` command, also listed in its `--help`. */
const exitCode = { ...common, access: 3, damage: 4 } as const;

/** A failure that the operator can do something about; the message says what. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  readonly exitCode: number;

  constructor(kind: keyof typeof exitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode[kind];
  }
}
