import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { ofExecutable } from '../../client/system/installation.ts';
import { loadTls } from '../../local/tls.ts';
import { here } from '../../packaging/executable.ts';
import { describeFile, writeRelease } from '../../packaging/release.ts';
import { isOlder, type ServedClient } from '../../protocol/client-release.ts';
import { Update } from '../../protocol/output/update.ts';
import { data } from '../service/support/service.ts';
import { Home } from '../support/home.ts';
import { newKey, packageVersion } from '../support/releases.ts';
import { type Account, openAccount } from './account.ts';

type Release = NonNullable<ServedClient['release']>;

const run = promisify(execFile);
const [pinned, another] = [newKey(), newKey()];

let folder: string;
let account: Account;
let home: Home;
let before: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidemark-update-'));
  account = await openAccount();
  const dist = await packageVersion('0.1.0', [pinned], folder);
  home = await Home.in(folder, 'programs/tidemark');
  await mkdir(programs());
  await run('tar', ['-xzf', join(dist, `tidemark-${here}.tar.gz`), '-C', programs()]);
  const { username, password, service } = account;
  const words = ['login', service.api, '--ca', service.ca, '--user', username, '--password-stdin'];
  expect(await home.tidemark(words, password)).toMatchObject({ status: 0 });
  const { key } = JSON.parse(JSON.parse(await readFile(join(dist, 'client.json'), 'utf8')).text);
  await home.configure({ release_key: key });
  before = await digest();
});
afterAll(async () => {
  await account.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => home.configure({ api_url: account.service.api }));

const programs = (): string => join(home.path, 'programs');
const digest = async (): Promise<string> =>
  createHash('sha256')
    .update(await readFile(home.program))
    .digest('hex');
const saying = (version: string): string => `#!/bin/sh\necho ${version}\n`;

/** Has the device ask a service that gives this release, and answers for its files. */
async function offer(release: Release, files: (response: ServerResponse) => void = () => undefined): Promise<void> {
  const server = createServer(await loadTls(data), (request, response) => {
    const client = { least: '0.1.0', release: { ...release, url } };
    if (request.url === '/service') response.end(JSON.stringify({ api_url: url, client }));
    else files(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close().closeAllConnections());
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await home.configure({ api_url: url });
}

/** A release of one archive with such a program, signed. */
async function made(
  version: string,
  key = pinned,
  program = saying(version),
): Promise<[release: Release, archive: Buffer]> {
  const dist = await mkdtemp(join(folder, 'made-'));
  await writeFile(join(dist, 'tidemark'), program, { mode: 0o755 });
  const name = `tidemark-${here}.tar.gz`;
  await run('tar', ['-czf', name, 'tidemark'], { cwd: dist });
  await writeRelease(dist, { version, files: { [here]: await describeFile(dist, name) } }, [key]);
  const release = JSON.parse(await readFile(join(dist, 'client.json'), 'utf8'));
  return [{ url: 'https://127.0.0.1', ...release }, await readFile(join(dist, name))];
}

async function nothingChanges(why: string, status = 1): Promise<void> {
  const { status: actual, stderr } = await home.tidemark(['update']);
  expect({ status: actual, stderr }).toEqual({ status, stderr: expect.stringContaining(why) });
  expect(await digest()).toBe(before);
  expect((await readdir(programs())).filter((name) => name.startsWith('.'))).toEqual([]);
}

test('a service that gives no client, and a device that knows no key, are said', async () => {
  await nothingChanges('gives no client');
  const { release_key } = await home.configuration();
  await home.configure({ release_key: undefined });
  await offer((await made('0.2.0'))[0]);
  await nothingChanges("'tidemark login' takes the service's");
  await home.configure({ release_key });
});

test.each<[string, () => Promise<Release>]>([
  ['by another key', async () => (await made('0.2.0', another))[0]],
  [
    'for another text',
    async () => {
      const [release] = await made('0.2.0');
      return { ...release, text: release.text.replace('0.2.0', '0.2.1') };
    },
  ],
  [
    "by another key in the pinned one's name",
    async () => {
      const [[theirs], [mine]] = [await made('0.2.0'), await made('0.2.0', another)];
      const [{ key }, { signature }] = [theirs.signatures[0]!, mine.signatures[0]!];
      return { ...theirs, text: mine.text, signatures: [{ key, signature }] };
    },
  ],
])('a release that is signed %s is refused', async (_, release) => {
  await offer(await release());
  await nothingChanges('not signed by the key that this device knows');
});

test('an older release is refused, though it is signed', async () => {
  await offer((await made('0.0.9'))[0]);
  await nothingChanges('older than this one');
});

test('a release without an archive for this platform is refused', async () => {
  const dist = await mkdtemp(join(folder, 'made-'));
  await writeRelease(dist, { version: '0.2.0', files: {} }, [pinned]);
  const release = JSON.parse(await readFile(join(dist, 'client.json'), 'utf8'));
  await offer({ url: 'https://127.0.0.1', ...release });
  await nothingChanges('is not there for');
});

test.each<[string, number, (bytes: Buffer) => [length: number, sent: Buffer], string]>([
  ['is cut off', 5, (bytes) => [bytes.length, bytes.subarray(0, -9)], 'does not come'],
  ['is shorter', 1, (bytes) => [bytes.length - 9, bytes.subarray(0, -9)], 'not what was signed'],
  ['is longer', 1, (bytes) => [2 * bytes.length, Buffer.concat([bytes, bytes])], 'not what was signed'],
  ['is another one', 1, (bytes) => [bytes.length, Buffer.alloc(bytes.length)], 'not what was signed'],
])('an archive that %s changes nothing', async (_, status, change, why) => {
  const [release, archive] = await made('0.2.0');
  await offer(release, (response) => {
    const [length, sent] = change(archive);
    response.writeHead(200, { 'content-length': length });
    response.write(sent, () => (sent.length === length ? response.end() : response.destroy()));
  });
  await nothingChanges(why, status);
});

test('an archive that is not there changes nothing', async () => {
  await offer((await made('0.2.0'))[0], (response) => void response.writeHead(403).end());
  await nothingChanges('it answers 403', 5);
});

test('a program that does not run on this machine changes nothing', async () => {
  const [release, archive] = await made('0.2.0', pinned, '#!/bin/sh\necho "needs another system"; exit 1\n');
  await offer(release, (response) => void response.end(archive));
  await nothingChanges('does not run on this machine');
});

test('an update that is killed leaves a program that runs, and the next one clears up and comes through', async () => {
  const [release, archive] = await made('0.2.0');
  const { promise: isAsked, resolve } = Promise.withResolvers<void>();
  let cut = true;
  await offer(release, (response) => {
    response.writeHead(200, { 'content-length': archive.length });
    if (cut) response.write(archive.subarray(0, 9), () => resolve());
    else response.end(archive);
  });
  const child = home.start(home.program, ['update']);
  await isAsked;
  child.kill('SIGKILL');
  await once(child, 'close');
  expect(await digest()).toBe(before);
  const [left] = (await readdir(programs())).filter((name) => name.startsWith('.'));
  await utimes(join(programs(), left!), 0, 0);

  cut = false;
  // By a link, as `~/.local/bin/tidemark` is one: what it leads to is replaced.
  const program = join(home.path, 'tidemark');
  await symlink(home.program, program);
  const { stdout, stderr } = await home.run(program, ['update', '--json']);
  expect({ ...Update.parse(JSON.parse(stdout)), stderr }).toEqual({
    ...{ from: '0.1.0', to: '0.2.0', updated: true, restarted: false },
    stderr: '',
  });
  expect(await readFile(home.program, 'utf8')).toBe(saying('0.2.0'));
  expect((await readdir(programs())).filter((name) => name.startsWith('.'))).toEqual([]);
});

test.each([
  ['/usr/bin/tidemark', 'packages'],
  ['/opt/homebrew/Cellar/tidemark/0.1.0/bin/tidemark', 'packages'],
  ['/usr/local/Cellar/tidemark/0.1.0/bin/tidemark', 'packages'],
  ['/nix/store/abc-tidemark/bin/tidemark', 'packages'],
  ['/snap/tidemark/1/bin/tidemark', 'packages'],
  ['/usr/local/bin/tidemark', 'user'],
  ['/home/me/.local/lib/tidemark/tidemark', 'user'],
  ['/home/me/usr/bin/tidemark', 'user'],
])('%s is replaced by its %s', (place, by) => {
  expect(ofExecutable(place)).toEqual({ by, place });
});

test('versions come one after the other by their numbers', () => {
  expect(isOlder('0.9.0', '0.10.0')).toBe(true);
  expect(isOlder('0.10.0', '0.9.9')).toBe(false);
  expect(isOlder('1.0.0', '1.0.0')).toBe(false);
});
