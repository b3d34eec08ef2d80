/** SHA-256 of `bytes` as 32 bytes. Web Crypto, so that it runs off the main thread in Node and in browsers alike. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

type Digest = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

let chosen: Digest | undefined;

/** `sha256` on this thread where Node offers it: Web Crypto copies its input first, which takes as long as the hash. */
export const digest: Digest = (bytes) => {
  chosen ??= nodeDigest() ?? sha256;
  return chosen(bytes);
};

/** Loaded at the first use: that takes milliseconds, and only applying a delta needs it. */
function nodeDigest(): Digest | undefined {
  const node = globalThis.process?.getBuiltinModule?.('node:crypto');
  return node && ((bytes) => node.hash('sha256', bytes, 'buffer'));
}

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Lower-case hexadecimal digits, two per byte. */
export function toHex(bytes: Uint8Array): string {
  // Joined at once: a string that grows pair by pair keeps every piece, ten times its own memory.
  const pairs = new Array<string>(bytes.length);
  for (const [index, byte] of bytes.entries()) pairs[index] = hexOfByte[byte]!;
  return pairs.join('');
}

/** Reverses `toHex`. Throws `RangeError` for an odd length or anything but hexadecimal digits. */
export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw new RangeError('not an even number of hexadecimal digits');
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) =>
    Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16),
  );
}
