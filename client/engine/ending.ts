import { ClientError } from '../common/errors.ts';
import { ServiceError } from '../service/errors.ts';
import type { Bulletin } from '../state/bulletin.ts';
import { endsSignIn } from '../steps/classify.ts';

interface EndingOptions {
  /** Ends the sync from outside. */
  readonly signal: AbortSignal;
  readonly onFatal?: (error: unknown) => void;
  readonly once: boolean;
}

/** How a sync ends: by what is asked from outside, or by an error, which is told at once; then what is under way ends. */
export class Ending {
  /** Fires when the sync ends, for whatever reason. */
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #onFatal: ((error: unknown) => void) | undefined;
  /** Where it is said for whoever looks later; who syncs once is told himself. */
  readonly #bulletin: Pick<Bulletin, 'note'> | undefined;
  #error: { readonly error: unknown } | undefined;

  constructor({ signal, onFatal, once }: EndingOptions, bulletin: Pick<Bulletin, 'note'>) {
    this.signal = AbortSignal.any([signal, this.#controller.signal]);
    this.#onFatal = onFatal;
    this.#bulletin = once ? undefined : bulletin;
  }

  /** A call failed for good. Where the sign-in has ended, so does the sync, whatever else is under way. */
  readonly refused = (error: unknown): void => {
    const end = endOfSignIn(error);
    if (end && !this.signal.aborted) this.#end(end);
  };

  /** Takes the error that the sync ended with, and throws what it ended by: the first one that was told. */
  failed(error: unknown): never {
    if (!this.signal.aborted) this.#end(error);
    throw this.#error ? this.#error.error : error;
  }

  /** Throws the error that the sync ended by, if there is one. */
  demandNoError(): void {
    if (this.#error) throw this.#error.error;
  }

  end(): void {
    this.#controller.abort();
  }

  #end(error: unknown): void {
    this.#error = { error };
    if (error instanceof ClientError) {
      this.#bulletin?.note({ ended: { at: Date.now(), code: error.code, message: error.message } });
    }
    this.#onFatal?.(error);
    this.#controller.abort();
  }
}

/** What is thrown where the service no longer talks to this device; `undefined` for any other error. */
export function endOfSignIn(error: unknown): ClientError | undefined {
  if (error instanceof ClientError && error.code === 'sign_in_refused') return error;
  if (!(error instanceof ServiceError) || !endsSignIn(error)) return undefined;
  if (error.code === 'client_too_old') return new ClientError('client_too_old', error.message, { cause: error });
  return new ClientError('not_signed_in', `${error.message}: run 'tidemark login' again`, { cause: error });
}
