import { get } from 'node:https';
import { limits } from '../../protocol/limits.ts';

/** An answer, its body as it came over the wire. */
export interface Fetched {
  readonly status: number;
  readonly bytes: Uint8Array;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
}

/**
 * GETs a URL. Takes the body as it comes, whatever its headers say: `fetch` would decode what calls itself encoded, and a
 * block is what its hash says. Rejects when nothing comes in time, or more than a block.
 * @param timeoutMs for the whole answer
 */
export function fetchBytes(url: string, timeoutMs: number): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const request = get(url, { signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        parts.push(part);
        if (size > limits.blockBytes) request.destroy(new Error('more arrives than a block has'));
      });
      response.on('error', reject);
      response.on('end', () => {
        const retryAfter = response.headers['retry-after'];
        resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts), retryAfter });
      });
    });
    request.on('error', reject);
  });
}
