import { createHash, createPublicKey, verify } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { reasonOf } from '../../cli/reason.ts';
import { ClientRelease, type SignedRelease, signedText } from '../../protocol/client-release.ts';
import { ClientError, systemCode } from '../common/errors.ts';
import { connections } from './connections.ts';
import { IdleLimit } from './idle-limit.ts';

/**
 * The key by which a service's releases are signed, which a device pins when it signs in; `undefined` where the service
 * gives no client, or one that is not signed by the key that it names.
 */
export function keyToPin(signed: SignedRelease | undefined): string | undefined {
  const { data } = ClientRelease.safeParse(signed && parseText(signed));
  return signed && data && isSignedBy(signed, data.key) ? data.key : undefined;
}

/** The version that a release says it is of, whoever signed it. */
export function versionIn(signed: SignedRelease | undefined): string | undefined {
  return ClientRelease.safeParse(signed && parseText(signed)).data?.version;
}

/** What is in a release that is signed by the pinned key. Throws ClientError `update_refused` for any other one. */
export function trustedRelease(signed: SignedRelease, pinned: string): ClientRelease {
  if (!isSignedBy(signed, pinned)) {
    const message =
      'what the service gives is not signed by the key that this device knows since it signed in: nothing was changed. ' +
      "If whoever runs the service says that the key is another one, 'tidemark login' takes it";
    throw new ClientError('update_refused', message);
  }
  return ClientRelease.parse(parseText(signed));
}

function parseText({ text }: SignedRelease): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isSignedBy(signed: SignedRelease, key: string): boolean {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key, 'base64').toString('base64url') };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const text = Buffer.from(signedText(signed));
  return signed.signatures.some(
    (one) => one.key === key && verify(null, text, publicKey, Buffer.from(one.signature, 'base64')),
  );
}

/**
 * Gets a file of a release, flushed.
 * @param place where it goes; what lies there after a failure is not the file
 * @throws ClientError `update_refused` for other bytes than were signed, `unreachable` when they do not come
 */
export async function fetchReleaseFile(
  url: string,
  { bytes, sha256 }: ClientRelease['files'][string],
  place: string,
): Promise<void> {
  const limit = new IdleLimit(connections.dead);
  const hash = createHash('sha256');
  let size = 0;
  try {
    const { signal } = limit;
    const onHeld = (milliseconds: number): void => limit.moved(milliseconds);
    const { status, body } = await connections.request(url, { method: 'GET', headers: {}, signal, onHeld });
    if (status !== 200) throw new Error(`it answers ${status}`);
    const counted = async function* (parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const part of parts) {
        limit.moved();
        hash.update(part);
        size += part.length;
        if (size > bytes) break;
        yield part;
      }
    };
    await pipeline(body, counted, createWriteStream(place, { flush: true }));
  } catch (error) {
    if (isOfDisk(error)) throw error;
    throw new ClientError('unreachable', `${url} does not come: ${reasonOf(error)}; nothing was changed, try again`, {
      cause: error,
    });
  } finally {
    limit.end();
  }
  if (size === bytes && hash.digest('hex') === sha256) return;
  throw new ClientError(
    'update_refused',
    `what came from ${url} is not what was signed: nothing was changed, try again`,
  );
}

/** Whether a file system says so, of which connections have codes alike. */
function isOfDisk(error: unknown): boolean {
  return systemCode(error) !== undefined && error instanceof Error && 'path' in error;
}
