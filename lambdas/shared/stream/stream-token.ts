import { formatUrl } from '@aws-sdk/core/util';
import { Sha256 } from '@smithy/core/checksum';
import { HttpRequest } from '@smithy/core/protocols';
import { SignatureV4 } from '@smithy/signature-v4';
import { defaultProvider } from '../runtime/credentials.ts';

/** As long as MSK accepts a token. */
const TOKEN_SECONDS = 900;

/**
 * The token by which MSK knows its clients: a presigned request for kafka-cluster:Connect, as base64url.
 * aws-msk-iam-sasl-signer-js makes the same, and brings a third of a megabyte of clients to assume roles with.
 */
export async function streamToken(region: string): Promise<string> {
  const signer = new SignatureV4({ service: 'kafka-cluster', region, credentials: defaultProvider(), sha256: Sha256 });
  const hostname = `kafka.${region}.amazonaws.com`;
  const request = new HttpRequest({
    method: 'GET',
    protocol: 'https:',
    hostname,
    path: '/',
    query: { Action: 'kafka-cluster:Connect' },
    headers: { host: hostname },
  });
  const url = formatUrl(await signer.presign(request, { expiresIn: TOKEN_SECONDS }));
  return Buffer.from(url).toString('base64url');
}
