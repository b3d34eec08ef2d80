/* `npm run package`: what people install, in `dist/`. */

import type { KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import manifest from '../package.json' with { type: 'json' };
import type { ClientRelease } from '../protocol/client-release.ts';
import { bundle } from './bundle.ts';
import { here, type Platform, packExecutable, platforms } from './executable.ts';
import { licensesOf } from './licenses.ts';
import { packForNpm, programs } from './npm-package.ts';
import { describeFile, readKey, writeNewKey, writeRelease } from './release.ts';

const help = `Makes what people install.

  npm run package                        the npm package, and an executable for each platform
  npm run package -- --for linux-x64     that platform's executable (${platforms.join(', ')}; 'here'; 'none')
  npm run package -- --key FILE          signs them, so that a deployment can serve them to its users
  npm run package -- --new-key FILE      makes a key to sign with, and nothing else

  --for PLATFORM   again for several
  --into FOLDER    default: dist
  --key FILE       an Ed25519 key in PEM; clients pin its public half at login. A key that was used before comes second,
                   for as long as a client may have pinned it

Node.js for an executable comes from npm's registry, some 50 MB for each platform, and is kept in .tidemark/.`;

const root = join(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    for: { type: 'string', multiple: true, default: [...platforms] },
    into: { type: 'string', default: 'dist' },
    key: { type: 'string', multiple: true, default: [] },
    'new-key': { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const unknown = values.for.find((name) => !isPlatform(name) && name !== 'here' && name !== 'none');
if (values.help) console.log(help);
else if (unknown !== undefined) {
  console.error(`no such platform: ${unknown}; there are ${platforms.join(', ')}`);
  process.exitCode = 2;
} else if (values['new-key'] !== undefined) await writeNewKey(values['new-key']);
else await main(resolve(root, values.into));

async function main(into: string): Promise<void> {
  const keys = await Promise.all(values.key.map(readKey));
  const scratch = await mkdtemp(join(tmpdir(), 'tidemark-package-'));
  try {
    await rm(into, { recursive: true, force: true });
    await mkdir(into, { recursive: true });
    const client = await bundle(programs.tidemark);
    const admin = await bundle(programs['tidemark-admin']);
    const contents = {
      root,
      licenses: await licensesOf(root, [...new Set([...client.packages, ...admin.packages])].sort()),
      code: { tidemark: client.code, 'tidemark-admin': admin.code },
    };
    const made = { npm: await packForNpm(contents, scratch, into) } as Record<string, string>;
    for (const name of values.for) {
      const platform = name === 'here' ? here : name;
      if (!isPlatform(platform)) continue;
      const parts = { root, cache: join(root, '.tidemark'), licenses: contents.licenses, code: client.code };
      console.log(`building for ${platform}`);
      made[platform] = await packExecutable(parts, platform, scratch, into);
    }
    await sign(into, await writeSums(into, made), keys);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As `sha256sum --check` reads them. */
async function writeSums(folder: string, made: Readonly<Record<string, string>>): Promise<ClientRelease['files']> {
  const files: ClientRelease['files'] = {};
  for (const [kind, name] of Object.entries(made)) {
    const file = await describeFile(folder, name);
    files[kind] = file;
    console.log(`${(file.bytes / 1e6).toFixed(1).padStart(6)} MB  ${join(values.into, name)}`);
  }
  const lines = Object.values(files).map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  await writeFile(join(folder, 'SHA256SUMS'), lines.join(''));
  return files;
}

async function sign(folder: string, files: ClientRelease['files'], [first, ...rest]: KeyObject[]): Promise<void> {
  if (!first) console.log('not signed, so that no deployment serves it: --key FILE signs');
  else await writeRelease(folder, { version: manifest.version, files }, [first, ...rest]);
}

function isPlatform(name: string): name is Platform {
  return (platforms as readonly string[]).includes(name);
}
