import { limits } from '../../../protocol/limits.ts';

/** What Lambda takes and answers in one synchronous invocation, in bytes. */
const LAMBDA_BYTES = 6 * 1024 * 1024;
/** Request line and headers that the HTTP API lets through, and its own context, which names the user among others. */
const ENVELOPE_BYTES = 10_240 + 4096;
/** A signed URL with its headers, in bytes. */
const SIGNED_BYTES = 2048;

type Limits = { readonly [Name in keyof typeof limits]: number };

/** Limits of the protocol that would let a request or an answer grow beyond what Lambda carries. */
export function payloadProblems(chosen: Limits = limits): string[] {
  const block = { hash: 'f'.repeat(64), size: chosen.blockBytes };
  const file = { path: 'x'.repeat(chosen.pathBytes), base_version: 1e9, size: 1e12, mtime: 1e12, mode: 0o777 };
  const sizes: Record<string, [what: string, bytes: number]> = {
    binaryBodyBytes: ['the largest delta-apply or save call, in base64,', Math.ceil(chosen.binaryBodyBytes / 3) * 4],
    blocksPerCall: [
      'an upload-init call with that many blocks and the most files',
      inEvent(block) * chosen.blocksPerCall + inEvent({ ...file, blocks: [] }) * chosen.filesPerCall,
    ],
    sendsPerPage: [
      'an upload-init answer with that many signed URLs',
      (inEvent(block) + SIGNED_BYTES) * chosen.sendsPerPage,
    ],
  };
  return Object.entries(sizes)
    .map(([name, [what, bytes]]) => ({ name, what, bytes: bytes + ENVELOPE_BYTES }))
    .filter(({ bytes }) => bytes > LAMBDA_BYTES)
    .map(
      ({ name, what, bytes }) =>
        `limits.${name}: ${what} has ${bytes} bytes, and a function takes ${LAMBDA_BYTES}: lower it in protocol/limits.ts`,
    );
}

/** Bytes of a value as JSON within the JSON of an event, with the comma after it. */
function inEvent(value: unknown): number {
  return JSON.stringify(JSON.stringify(value)).length - 2 + 1;
}
