import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { firstDifference } from '../../local/demo/tour/folders.ts';
import manifest from '../../package.json' with { type: 'json' };
import { type Account, openAccount } from './account.ts';

const run = promisify(execFile);
const archive = `tidemark-${process.platform}-${process.arch}.tar.gz`;
/** More than one thread reads, so that the threads of a bundle are tried. */
const LARGE_BYTES = 96 * 1024 * 1024;

let folder: string;
let dist: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-package-test-'));
  dist = join(folder, 'dist');
  await run(process.execPath, ['packaging/main.ts', '--for', 'here', '--into', dist]);
  await run('tar', ['-xzf', join(dist, archive)], { cwd: folder });
  const tarball = join(dist, `tidemark-${manifest.version}.tgz`);
  await run('npm', ['install', '--global', '--offline', '--prefix', folder, tarball]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A `tidemark` on a machine that has nothing else but, for the npm package, Node.js. */
const installed = {
  'the executable': { program: () => join(folder, 'tidemark'), path: '' },
  'the npm package': { program: () => join(folder, 'bin/tidemark'), path: `${dirname(process.execPath)}:/usr/bin` },
} as const;
type Kind = keyof typeof installed;

class Machine {
  readonly home: string;
  readonly #kind: Kind;

  constructor(kind: Kind, home: string) {
    this.#kind = kind;
    this.home = home;
  }

  tidemark(words: readonly string[], input = ''): { status: number | null; stdout: string; stderr: string } {
    const { program, path } = installed[this.#kind];
    const env = { HOME: this.home, PATH: path };
    return spawnSync(program(), words, { env, input, cwd: this.home, encoding: 'utf8' });
  }

  join({ service, username, password }: Account): void {
    const words = ['login', service.api, '--ca', service.ca, '--user', username, '--password-stdin'];
    expect(this.tidemark(words, password)).toMatchObject({ status: 0, stderr: '' });
  }
}

test.each(Object.keys(installed) as Kind[])('%s says which version it is, and how it is used', (kind) => {
  const machine = new Machine(kind, folder);
  expect(machine.tidemark(['--version'])).toEqual(
    expect.objectContaining({ status: 0, stdout: `${manifest.version}\n` }),
  );
  expect(machine.tidemark(['--help']).stdout).toContain('Start with');
  expect(machine.tidemark(['sing'])).toMatchObject({ status: 2 });
});

test('what one of them sends, the other receives, with nothing else on either machine', {
  timeout: 120_000,
}, async () => {
  const account = await openAccount();
  onTestFinished(account.close);
  const homes = await Promise.all(['desk', 'lap'].map((name) => mkdtemp(join(folder, name))));
  const [desk, lap] = [new Machine('the executable', homes[0]!), new Machine('the npm package', homes[1]!)];
  const [here, there] = homes.map((home) => join(home, 'Tidemark')) as [string, string];
  await mkdir(here);
  await mkdir(there);
  await writeFile(join(here, 'note'), 'a note');
  await writeFile(join(here, 'large'), '');
  await truncate(join(here, 'large'), LARGE_BYTES);
  for (const [machine, place] of [
    [desk, here],
    [lap, there],
  ] as const) {
    machine.join(account);
    expect(machine.tidemark(['sync', place, '--once'])).toMatchObject({ status: 0, stderr: '' });
  }
  expect(await firstDifference(here, there)).toBeUndefined();
});

/** Runs programs for another processor, with the libraries of Debian's packages for cross-compiling. */
const emulator = ['/usr/bin/qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'] as const;

test.skipIf(process.arch === 'arm64' || !emulator.filter(isAbsolute).every(existsSync))(
  'the executable for another processor runs there',
  { timeout: 300_000 },
  async () => {
    const [into, there] = [join(folder, 'arm64'), join(folder, 'arm64-unpacked')];
    await run(process.execPath, ['packaging/main.ts', '--for', 'linux-arm64', '--into', into]);
    await mkdir(there);
    await run('tar', ['-xzf', join(into, 'tidemark-linux-arm64.tar.gz')], { cwd: there });
    const [program, ...words] = [...emulator, join(there, 'tidemark')];
    const version = spawnSync(program!, [...words, '--version'], { encoding: 'utf8' });
    expect(version).toMatchObject({ status: 0, stdout: `${manifest.version}\n` });
    const status = spawnSync(program!, [...words, 'status', there], { encoding: 'utf8' });
    expect(status.stderr).toContain('is not synced');
  },
);

test('an older Node.js is told what is missing', async () => {
  const code = await readFile(join(folder, 'lib/node_modules/tidemark/tidemark.cjs'), 'utf8');
  const asked = code.replace('process.versions.node', '"20.19.4"');
  await writeFile(join(folder, 'older.cjs'), asked);
  const { status, stderr } = spawnSync(process.execPath, [join(folder, 'older.cjs'), '--version'], {
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: expect.stringMatching(/^tidemark needs Node\.js 22\.15\.0 or newer; this is/),
  });
});

test('the sums are those of what was made', async () => {
  const lines = (await readFile(join(dist, 'SHA256SUMS'), 'utf8')).trimEnd().split('\n');
  const made = (await readdir(dist)).filter((name) => name !== 'SHA256SUMS');
  const sums = made.map(async (name) => {
    const bytes = await readFile(join(dist, name));
    return `${createHash('sha256').update(bytes).digest('hex')}  ${name}`;
  });
  expect(lines.sort()).toEqual((await Promise.all(sums)).sort());
});
