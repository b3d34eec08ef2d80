/* `npm run package`: what people install, in `dist/`. */

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundle } from './bundle.ts';
import { here, type Platform, packExecutable, platforms } from './executable.ts';
import { licensesOf } from './licenses.ts';
import { packForNpm, programs } from './npm-package.ts';

const help = `Makes what people install.

  npm run package                        the npm package, and an executable for each platform
  npm run package -- --for linux-x64     that platform's executable (${platforms.join(', ')}; 'here'; 'none')

  --for PLATFORM   again for several
  --into FOLDER    default: dist

Node.js for an executable comes from npm's registry, some 50 MB for each platform, and is kept in .tidemark/.`;

const root = join(import.meta.dirname, '..');

const { values } = parseArgs({
  options: {
    for: { type: 'string', multiple: true, default: [...platforms] },
    into: { type: 'string', default: 'dist' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const unknown = values.for.find((name) => !isPlatform(name) && name !== 'here' && name !== 'none');
if (values.help) console.log(help);
else if (unknown !== undefined) {
  console.error(`no such platform: ${unknown}; there are ${platforms.join(', ')}`);
  process.exitCode = 2;
} else await main(resolve(root, values.into));

async function main(into: string): Promise<void> {
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
    const made = [await packForNpm(contents, scratch, into)];
    for (const name of values.for) {
      const platform = name === 'here' ? here : name;
      if (!isPlatform(platform)) continue;
      const parts = { root, cache: join(root, '.tidemark'), licenses: contents.licenses, code: client.code };
      console.log(`building for ${platform}`);
      made.push(await packExecutable(parts, platform, scratch, into));
    }
    await writeSums(into, made);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** As `sha256sum --check` reads them. */
async function writeSums(folder: string, names: readonly string[]): Promise<void> {
  let lines = '';
  for (const name of names) {
    const bytes = await readFile(join(folder, name));
    lines += `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n`;
    console.log(`${(bytes.length / 1e6).toFixed(1).padStart(6)} MB  ${join(values.into, name)}`);
  }
  await writeFile(join(folder, 'SHA256SUMS'), lines);
}

function isPlatform(name: string): name is Platform {
  return (platforms as readonly string[]).includes(name);
}
