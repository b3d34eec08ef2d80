import { get } from 'node:https';
import { limits } from '../../protocol/limits.ts';

/**
 * GETs a URL. Answers the status and the body as it came over the wire, whatever its headers say: `fetch` would decode
 * what calls itself encoded, and a block is what its hash says. Rejects when nothing comes in time, or more than a block.
 * @param timeoutMs for the whole answer
 */
export function fetchBytes(url: string, timeoutMs: number): Promise<{ status: number; bytes: Uint8Array }> {
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
      response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes: Buffer.concat(parts) }));
    });
    request.on('error', reject);
  });
}
