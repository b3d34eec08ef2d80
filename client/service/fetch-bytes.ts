import { get } from 'node:https';
import { limits } from '../../protocol/limits.ts';
import { IdleLimit } from './idle-limit.ts';

/** What has arrived of a block: an answer that breaks off leaves what it brought. */
export class Arrived {
  #parts: Buffer[] = [];
  #size = 0;
  #received = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that came over the wire for it, those that were thrown away included. */
  get received(): number {
    return this.#received;
  }

  add(part: Buffer): void {
    this.#parts.push(part);
    this.#size += part.length;
    this.#received += part.length;
  }

  clear(): void {
    this.#parts = [];
    this.#size = 0;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }
}

/** An answer without its body. */
export interface FetchAnswer {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
}

/**
 * GETs what is missing of a block, from where `arrived` ends, and adds it there. Takes the body as it comes, whatever
 * its headers say: `fetch` would decode what calls itself encoded, and a block is what its hash says. Rejects when
 * nothing moves any more, more comes than a block has, or the signal fires; what came before stays in `arrived`.
 */
export function fetchRest(url: string, arrived: Arrived, signal: AbortSignal): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const from = arrived.size;
    const limit = new IdleLimit((error) => request.destroy(error));
    const fail = (error: Error): void => {
      limit.end();
      reject(error);
    };
    const headers = from > 0 ? { range: `bytes=${from}-` } : {};
    const request = get(url, { signal, headers }, (response) => {
      const status = response.statusCode ?? 0;
      const goesOn = status === 206 && response.headers['content-range']?.startsWith(`bytes ${from}-`) === true;
      if (!goesOn && (status < 300 || status === 416)) arrived.clear();
      response.on('data', (part: Buffer) => {
        limit.moved();
        if (goesOn || status === 200) arrived.add(part);
        if (arrived.size > limits.blockBytes) request.destroy(new Error('more arrives than a block has'));
      });
      response.on('error', fail);
      response.on('end', () => {
        limit.end();
        resolve({ status: goesOn ? 200 : status, retryAfter: response.headers['retry-after'] });
      });
    });
    request.on('error', fail);
  });
}
