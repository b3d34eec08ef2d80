import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { writeAtomic } from './files.ts';

/** PEM texts of the local CA and of one certificate for localhost, 127.0.0.1 and ::1, and the CA's file. */
export interface Tls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly caFile: string;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const VALID_DAYS = 397;
/** Renewed while an earlier client still accepts it, and never in the middle of a session. */
const RENEW_DAYS = 30;

/** Reads the CA and the certificate kept under `data`, or makes new ones where there are none or they end soon. */
export async function loadTls(data: string): Promise<Tls> {
  const folder = join(data, 'tls');
  const file = (name: string) => join(folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const kept = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(file(name), 'utf8'))).catch(
    () => undefined,
  );
  const [ca, cert, key] = kept ?? [];
  if (ca && cert && key && isGood(ca, cert, key)) return { ca, cert, key, caFile: file('ca.pem') };
  const made = await makeCertificates();
  await writeAtomic(file('key.pem'), made.key);
  await writeAtomic(file('cert.pem'), made.cert, 0o644);
  await writeAtomic(file('ca.pem'), made.ca, 0o644);
  return { ...made, caFile: file('ca.pem') };
}

/** Whether the three belong together, which they do not when their writing was cut off, and will last a while. */
function isGood(ca: string, cert: string, key: string): boolean {
  if (![ca, cert].every((pem) => endsLater(pem))) return false;
  const leaf = new X509Certificate(cert);
  try {
    return leaf.verify(new X509Certificate(ca).publicKey) && leaf.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function endsLater(pem: string): boolean {
  try {
    return new X509Certificate(pem).validToDate.getTime() - Date.now() > RENEW_DAYS * DAY_MS;
  } catch {
    return false;
  }
}

async function makeCertificates(): Promise<{ ca: string; cert: string; key: string }> {
  const common = {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - DAY_MS),
    notAfterDate: new Date(Date.now() + VALID_DAYS * DAY_MS),
  } as const;
  // A name of its own: a client that trusts two local clouds finds the right one of two authorities by it.
  const name = `Tidemark local CA ${randomBytes(4).toString('hex')}`;
  const ca = await generate([{ name: 'commonName', value: name }], {
    ...common,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...common,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  // The CA's private key is thrown away: nothing else can ever be signed with it.
  return { ca: ca.cert, cert: leaf.cert, key: leaf.private };
}
