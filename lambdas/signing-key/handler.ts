import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { customResource } from '../shared/custom-resource.ts';
import { requireEnv } from '../shared/env.ts';

/**
 * Custom resource: the ECDSA P-256 key pair that signs CDN URLs. The private key exists in Secrets Manager only; a key
 * that is there already is kept, so that a retry or an update breaks no URL. Attribute `PublicKey`, PEM.
 */
export const handler = customResource(async () => {
  const client = new SecretsManagerClient({});
  const SecretId = requireEnv('CDN_KEY_SECRET');
  const { SecretString = '' } = await client.send(new GetSecretValueCommand({ SecretId }));
  // CloudFormation fills a new secret with a random string.
  if (SecretString.startsWith('-----BEGIN')) return { PublicKey: publicPem(SecretString) };

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await client.send(new PutSecretValueCommand({ SecretId, SecretString: pem }));
  return { PublicKey: publicPem(pem) };
});

function publicPem(privatePem: string): string {
  return createPublicKey(privatePem).export({ type: 'spki', format: 'pem' }).toString();
}
