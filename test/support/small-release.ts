import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeFile, writeRelease } from '../../packaging/release.ts';

/** Fills a folder with what `npm run package -- --key` leaves, but for what is in the archives. */
export async function writeSmallRelease(
  folder: string,
  version = '0.1.0',
  key: KeyObject = generateKeyPairSync('ed25519').privateKey,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const names = { npm: `tidemark-${version}.tgz`, 'linux-x64': 'tidemark-linux-x64.tar.gz' };
  for (const name of Object.values(names)) writeFileSync(join(folder, name), name);
  const files = Object.entries(names).map(async ([kind, name]) => [kind, await describeFile(folder, name)] as const);
  await writeRelease(folder, { version, files: Object.fromEntries(await Promise.all(files)) }, [key]);
}
