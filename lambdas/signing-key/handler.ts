import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { customResource } from '../shared/runtime/custom-resource.ts';
import { requireEnv } from '../shared/runtime/env.ts';

/**
 * Custom resource: the ECDSA P-256 key pair that signs CDN URLs. The private key exists in Secrets Manager only; a key
 * that is there already is kept, so that a retry or an update breaks no URL. Attribute `PublicKey`, PEM.
 */
export const handler = customResource(async (_, requestId) => {
  const kept = await privateKey();
  if (kept !== undefined) return { PublicKey: publicPem(kept) };
  await storeNewKey(requestId);
  const stored = await privateKey();
  if (stored === undefined) throw new Error('the secret holds no key although one was stored: deploy again');
  return { PublicKey: publicPem(stored) };
});

const client = new SecretsManagerClient({});

async function privateKey(): Promise<string | undefined> {
  const { SecretString = '' } = await client.send(
    new GetSecretValueCommand({ SecretId: requireEnv('CDN_KEY_SECRET') }),
  );
  // CloudFormation fills a new secret with a random string.
  return SecretString.startsWith('-----BEGIN') ? SecretString : undefined;
}

/** One key per request: where the same event runs twice at once, Secrets Manager refuses the second one's key. */
async function storeNewKey(requestId: string): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const SecretString = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const SecretId = requireEnv('CDN_KEY_SECRET');
  try {
    await client.send(new PutSecretValueCommand({ SecretId, SecretString, ClientRequestToken: requestId }));
  } catch (error) {
    if (!(error instanceof ResourceExistsException)) throw error;
  }
}

function publicPem(privatePem: string): string {
  return createPublicKey(privatePem).export({ type: 'spki', format: 'pem' }).toString();
}
