/** A refusal or failure of the local cloud: a stable code, a sentence that says what to do, and, on the wire, a status. */
export class LocalError extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 500) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
  }
}

/** A template that the local cloud cannot run: `path` is where in the resource the trouble is. */
export function templateError(stack: string, path: string, problem: string): LocalError {
  return new LocalError('Template', `template ${stack}: ${path}: ${problem}`);
}

/** What went wrong, for a log line or an error that wraps another. */
export function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
