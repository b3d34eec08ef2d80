import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { getSignedUrl } from '@aws-sdk/cloudfront-signer';
import type { CacheEntry } from '../../protocol/internal/locate.ts';
import { limits } from '../../protocol/limits.ts';
import { once, requireEnv } from '../shared/runtime/env.ts';

const client = once(() => new SecretsManagerClient({}));

/** How long an instance keeps the key: a rotated one is in use everywhere after this. */
const KEY_MS = 5 * 60_000;
const MINUTE_MS = 60_000;
let cached: { pem: string; until: number } | undefined;

/** Signs a CDN URL per block (canned policy, ECDSA P-256 over SHA-256); equal within a minute, so that answers compress and cache. */
export async function signDownloads(
  blocks: readonly CacheEntry[],
): Promise<{ urls: Record<string, string>; expiresAt: number }> {
  const expiresAt = Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS + limits.urlSeconds * 1000;
  if (blocks.length === 0) return { urls: {}, expiresAt };
  const privateKey = await signingKey();
  const keyPairId = requireEnv('CDN_KEY_PAIR_ID');
  const dateLessThan = new Date(expiresAt).toISOString();
  const urls = blocks.map(({ hash, entry }) => {
    const url = `https://${requireEnv('CDN_DOMAIN')}/blocks/${hash}${entry === undefined ? '' : `?x-entry=${entry}`}`;
    return [hash, getSignedUrl({ url, keyPairId, privateKey, dateLessThan, algorithm: 'SHA256' })] as const;
  });
  return { urls: Object.fromEntries(urls), expiresAt };
}

async function signingKey(): Promise<string> {
  if (cached && cached.until > Date.now()) return cached.pem;
  const { SecretString: pem } = await client().send(
    new GetSecretValueCommand({ SecretId: requireEnv('CDN_KEY_SECRET') }),
  );
  if (!pem) throw new Error('the secret of CDN_KEY_SECRET holds no key: run the signing-key step of the deployment');
  cached = { pem, until: Date.now() + KEY_MS };
  return pem;
}
