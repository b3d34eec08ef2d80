import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ClientRelease, SignedRelease, signedText } from '../protocol/client-release.ts';

/** Writes a new key by which releases are signed, where there is no file yet. */
export async function writeNewKey(place: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await writeFile(place, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' });
}

/** Reads a key of `writeNewKey`, or of `openssl genpkey -algorithm ed25519`. Throws Error for any other file. */
export async function readKey(place: string): Promise<KeyObject> {
  const key = createPrivateKey(await readFile(place));
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`${place} is a key of ${key.asymmetricKeyType}; releases are signed by Ed25519`);
}

/** What a release says of a file in `folder`. */
export async function describeFile(folder: string, name: string): Promise<ClientRelease['files'][string]> {
  const bytes = await readFile(join(folder, name));
  return { name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/**
 * Writes `client.json`, which `cdk deploy` reads.
 * @param keys the first is the one that clients pin from now on; the others are those that they may have pinned before
 */
export async function writeRelease(
  folder: string,
  { version, files }: Omit<ClientRelease, 'key'>,
  keys: readonly [KeyObject, ...KeyObject[]],
): Promise<void> {
  const text = JSON.stringify(ClientRelease.parse({ version, key: publicKeyOf(keys[0]), files }));
  const signatures = keys.map((key) => ({
    key: publicKeyOf(key),
    signature: sign(null, Buffer.from(signedText({ text })), key).toString('base64'),
  }));
  const release = SignedRelease.parse({ text, signatures });
  await writeFile(join(folder, 'client.json'), `${JSON.stringify(release, undefined, 2)}\n`);
}

function publicKeyOf(key: KeyObject): string {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return Buffer.from(x!, 'base64url').toString('base64');
}
