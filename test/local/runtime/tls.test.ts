import { X509Certificate } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadTls } from '../../../local/tls.ts';
import { scratch } from './sample-assembly.ts';

test('certificates are made once, hold for this machine’s names, and are made anew where they do not fit', async () => {
  const data = await scratch();
  const first = await loadTls(data);
  const [ca, leaf] = [new X509Certificate(first.ca), new X509Certificate(first.cert)];
  expect(leaf.verify(ca.publicKey)).toBe(true);
  expect(leaf.checkIssued(ca)).toBe(true);
  for (const ip of ['127.0.0.1', '::1']) expect(leaf.checkIP(ip)).toBeDefined();
  expect(leaf.checkHost('localhost')).toBe('localhost');
  expect((await stat(join(data, 'tls', 'key.pem'))).mode & 0o777).toBe(0o600);
  expect(await loadTls(data)).toEqual(first);

  const other = await loadTls(await scratch());
  await writeFile(join(data, 'tls', 'cert.pem'), other.cert);
  const renewed = await loadTls(data);
  expect(renewed.ca).not.toBe(first.ca);
  expect(await readFile(renewed.caFile, 'utf8')).toBe(renewed.ca);
});
