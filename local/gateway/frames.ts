/**
 * Watches the bytes that a WebSocket client sends and calls `onTooBig` for a frame whose payload is over `limit`; `ws`
 * knows only whole messages. Frame layout (RFC 6455): 1 byte flags, 1 byte mask bit and length (126: two more bytes
 * hold it, 127: eight), 4 bytes mask where the mask bit is set, payload.
 */
export function createFrameMeter(limit: number, onTooBig: () => void): (chunk: Buffer) => void {
  let header = Buffer.alloc(0);
  let payloadLeft = 0;
  return (chunk) => {
    let rest = chunk;
    while (rest.length > 0) {
      const skipped = Math.min(payloadLeft, rest.length);
      payloadLeft -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      // A header is at most 14 bytes: take them one by one until it is whole.
      header = Buffer.concat([header, rest.subarray(0, 1)]);
      rest = rest.subarray(1);
      const length = payloadLength(header);
      if (length === undefined) continue;
      header = Buffer.alloc(0);
      payloadLeft = length;
      if (length > limit) onTooBig();
    }
  };
}

/** The payload's length once `header` is complete. */
function payloadLength(header: Buffer): number | undefined {
  const second = header[1];
  if (second === undefined) return undefined;
  const short = second & 0x7f;
  const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
  if (header.length < 2 + extended + (second & 0x80 ? 4 : 0)) return undefined;
  if (extended === 8) return Number(header.readBigUInt64BE(2));
  return extended === 2 ? header.readUInt16BE(2) : short;
}
