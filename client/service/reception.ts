import type { Dispatcher } from 'undici';
import type { Throttle } from './throttle.ts';

/** Who takes an answer. */
export interface Taker {
  readonly onHead: (status: number, header: (name: string) => string | undefined) => void;
  /** Takes a part of the body, which is valid until this returns. What it throws ends the request. */
  readonly onPart: (part: Buffer) => void;
}

interface Limits {
  readonly throttle: Throttle;
  /** Ends it with its reason. */
  readonly signal: AbortSignal;
  /** Told how long the next part is held back, ms. */
  readonly onHeld: ((milliseconds: number) => void) | undefined;
}

/**
 * Hands an answer over as it comes, without the streams and promises that a part of 16 KiB otherwise passes through: those
 * cost as much as to decrypt it.
 */
export class Reception implements Dispatcher.DispatchHandler {
  readonly #taker: Taker;
  readonly #limits: Limits;
  readonly #ended = Promise.withResolvers<void>();
  #controller: Dispatcher.DispatchController | undefined;

  constructor(taker: Taker, limits: Limits) {
    this.#taker = taker;
    this.#limits = limits;
    limits.signal.addEventListener('abort', this.#abort, { once: true });
  }

  /** Resolves when all of it has been taken. Rejects with what the connection or the taker ends, or the signal's reason. */
  async ended(): Promise<void> {
    try {
      await this.#ended.promise;
    } finally {
      this.#limits.signal.removeEventListener('abort', this.#abort);
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It may have had to wait for a connection.
    if (this.#limits.signal.aborted) this.#abort();
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    if (status < 200) return;
    this.#attempt(() => this.#taker.onHead(status, (name) => [headers[name]].flat()[0] as string | undefined));
  }

  onResponseData(controller: Dispatcher.DispatchController, part: Buffer): void {
    const { throttle, signal, onHeld } = this.#limits;
    if (!throttle.isLimited) {
      this.#take(part);
      return;
    }
    controller.pause();
    void throttle.pass(part.length, signal, onHeld).then(() => {
      if (signal.aborted) return;
      this.#take(part);
      controller.resume();
    });
  }

  onResponseEnd(): void {
    this.#ended.resolve();
  }

  onResponseError(_: unknown, error: Error): void {
    this.#ended.reject(error);
  }

  #take(part: Buffer): void {
    this.#attempt(() => this.#taker.onPart(part));
  }

  #attempt(take: () => void): void {
    try {
      take();
    } catch (error) {
      this.#end(error as Error);
    }
  }

  readonly #abort = (): void => this.#end(this.#limits.signal.reason);

  #end(reason: Error): void {
    this.#ended.reject(reason);
    this.#controller?.abort(reason);
  }
}
