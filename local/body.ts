import type { IncomingMessage } from 'node:http';

/**
 * Reads a whole body of at most `limit` bytes; undefined where it is longer. What is beyond the limit is read and
 * dropped: a client that is answered before it has sent all may find its connection closed and not see the answer.
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= limit) chunks.push(chunk);
  }
  return size <= limit ? Buffer.concat(chunks) : undefined;
}
