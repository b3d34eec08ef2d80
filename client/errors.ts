/** Exit codes of the `tidemark` command, also listed in its `--help`. */
export const exitCode = {
  failure: 1,
  usage: 2,
  sign_in: 3,
  guard: 4,
  unreachable: 5,
  incomplete: 6,
} as const;

export type ClientErrorCode =
  | 'not_signed_in'
  | 'sign_in_refused'
  | 'bad_service'
  | 'unreachable'
  | 'folder_missing'
  | 'folder_replaced'
  | 'folder_busy'
  | 'folder_unknown'
  | 'other_folder'
  | 'other_account'
  | 'mass_delete'
  | 'unsafe_path'
  | 'incomplete'
  | 'usage';

const exitCodes: Record<ClientErrorCode, number> = {
  not_signed_in: exitCode.sign_in,
  sign_in_refused: exitCode.sign_in,
  bad_service: exitCode.failure,
  unreachable: exitCode.unreachable,
  folder_missing: exitCode.guard,
  folder_replaced: exitCode.guard,
  folder_busy: exitCode.failure,
  folder_unknown: exitCode.usage,
  other_folder: exitCode.usage,
  other_account: exitCode.usage,
  mass_delete: exitCode.guard,
  unsafe_path: exitCode.failure,
  incomplete: exitCode.incomplete,
  usage: exitCode.usage,
};

/** A failure that the user can do something about; the message says what. */
export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;

  constructor(code: ClientErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

/** The code of a file system error (`ENOENT`, …), `undefined` for any other value. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Why a request got no answer: `fetch` only says that it failed, and keeps the reason in its cause. */
export function reasonOf(error: unknown): string {
  const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return messageOf(reason) || (systemCode(reason) ?? 'no reason given');
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
