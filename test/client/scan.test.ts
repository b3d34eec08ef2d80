import { createHash, randomUUID } from 'node:crypto';
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { compileIgnores } from '../../client/disk/ignore.ts';
import { temporaryName } from '../../client/disk/paths.ts';
import { scan } from '../../client/disk/scan.ts';
import type { ScanOptions } from '../../client/disk/scan-options.ts';
import type { ScanResult } from '../../client/disk/scan-result.ts';
import type { LocalEntry } from '../../client/plan/tree.ts';
import { saveConfiguration } from '../../client/service/config.ts';
import { sha256, toHex } from '../../codec/index.ts';
import { FilePool } from '../../codec/node/file-pool.ts';
import { temporaryFolder } from './folder.ts';

const folderId = randomUUID();

/** After this time a file's stamps are trusted. */
const SETTLED_MS = 40;

function options(root: string): ScanOptions {
  return { root, folderId, known: new Map(), ignores: compileIgnores(''), pool: new FilePool() };
}

function look(root: string, known: ReadonlyMap<string, LocalEntry> = new Map(), rules = ''): Promise<ScanResult> {
  const byHint = (hint: string) => [...known.values()].find((entry) => entry.hint === hint);
  return scan([''], { ...options(root), known, byHint, ignores: compileIgnores(rules) });
}

async function hash(text: string): Promise<string> {
  return toHex(await sha256(Buffer.from(text)));
}

test('files, empty files, empty directories and modes are found', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'docs/empty'), { recursive: true });
  await writeFile(join(root, 'docs/a.txt'), 'hello');
  await writeFile(join(root, 'docs/none'), '');
  await chmod(join(root, 'docs/a.txt'), 0o751);
  const { found } = await look(root);
  expect([...found.keys()].sort()).toEqual(['docs', 'docs/a.txt', 'docs/empty', 'docs/none']);
  expect(found.get('docs/a.txt')).toMatchObject({ kind: 'file', size: 5, mode: 0o751 });
  expect(found.get('docs/a.txt')!.blocks).toEqual([{ hash: await hash('hello'), size: 5 }]);
  expect(found.get('docs/none')!.blocks).toEqual([]);
  expect(found.get('docs/empty')).toMatchObject({ kind: 'directory', size: 0 });
});

test('a file larger than one block is cut at 4 MiB', async () => {
  const root = await temporaryFolder();
  await writeFile(join(root, 'big'), Buffer.alloc(9 * 1024 * 1024, 7));
  const { found } = await look(root);
  expect(found.get('big')!.blocks.map(({ size }) => size)).toEqual([4194304, 4194304, 1048576]);
});

test.each([
  { what: 'grows', change: (path: string) => appendFile(path, 'more') },
  { what: 'is cut off', change: (path: string) => truncate(path, 1000) },
  {
    what: 'gets other content of the same size',
    change: (path: string) => writeFile(path, Buffer.alloc(5_000_000, 8)),
  },
])('a large file that $what while it is read is left for later', async ({ change }) => {
  const root = await temporaryFolder();
  const path = join(root, 'big');
  await writeFile(path, Buffer.alloc(5_000_000, 7));
  class Meddler extends FilePool {
    override async blocksOf(...parameters: Parameters<FilePool['blocksOf']>) {
      await change(path);
      return super.blocksOf(...parameters);
    }
  }
  const { found, unstable } = await scan([''], { ...options(root), pool: new Meddler() });
  expect([...unstable]).toEqual(['big']);
  expect(found.size).toBe(0);
});

test('a second look finds nothing, and a touched file keeps its content', async () => {
  const root = await temporaryFolder();
  await writeFile(join(root, 'a'), 'hello');
  await sleep(SETTLED_MS);
  const first = await look(root);
  expect((await look(root, first.found)).found.size).toBe(0);
  await utimes(join(root, 'a'), 1, 1);
  const { found } = await look(root, first.found);
  expect(found.get('a')!.blocks).toEqual(first.found.get('a')!.blocks);
});

test('a change that keeps size and modification time is found', async () => {
  const root = await temporaryFolder();
  await writeFile(join(root, 'a'), 'one');
  await utimes(join(root, 'a'), 1000, 1000);
  await sleep(SETTLED_MS);
  const first = await look(root);
  await writeFile(join(root, 'a'), 'two');
  await utimes(join(root, 'a'), 1000, 1000);
  const { found } = await look(root, first.found);
  expect(found.get('a')!.blocks[0]!.hash).toBe(await hash('two'));
});

test('a renamed folder keeps hashes and identities', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'old'));
  await writeFile(join(root, 'old/a'), 'hello');
  await sleep(SETTLED_MS);
  const first = await look(root);
  await rename(join(root, 'old'), join(root, 'new'));
  const { found, seen } = await look(root, first.found);
  expect([...seen].sort()).toEqual(['new', 'new/a']);
  expect(found.get('new/a')).toEqual(first.found.get('old/a'));
  expect(found.get('new')!.identity).toBe(first.found.get('old')!.identity);
});

test('symbolic links are seen as what they say, never followed, and left out where that leads out of the folder', async () => {
  const root = await temporaryFolder();
  const outside = await temporaryFolder();
  await writeFile(join(outside, 'secret'), 'x');
  await mkdir(join(root, 'docs'));
  const links = { absolute: outside, out: '../x', 'docs/out': '../../x', own: '.tidemark/state.db', odd: 'a\\b' };
  for (const [name, target] of Object.entries(links)) await symlink(target, join(root, name));
  await symlink('../docs/not there', join(root, 'docs/link'));
  await symlink('.', join(root, 'self'));
  await symlink(Buffer.from([0x61, 0xff]), join(root, 'bytes'));
  const first = await look(root);
  expect([...first.found].map(([path, { kind }]) => `${path} ${kind}`).sort()).toEqual([
    'docs directory',
    'docs/link link',
    'self link',
  ]);
  const target = '../docs/not there';
  expect(first.found.get('docs/link')).toMatchObject({
    size: target.length,
    mode: 0o777,
    blocks: [{ hash: createHash('sha256').update(target).digest('hex'), size: target.length }],
  });
  expect(Object.fromEntries(first.skipped)).toEqual({
    absolute: 'is a symbolic link to an absolute place, which is another one on other devices',
    out: 'is a symbolic link that points out of the folder',
    'docs/out': 'is a symbolic link that points out of the folder',
    own: 'is a symbolic link to what is never synced',
    odd: 'is a symbolic link to what is never synced',
    bytes: 'is a symbolic link to what is never synced',
  });
  expect((await look(root, first.found)).found.size).toBe(0);
});

test('ignored files, the state folder and unfinished files are not seen', async () => {
  const root = await temporaryFolder();
  for (const folder of ['.tidemark', 'node_modules/x', 'src']) await mkdir(join(root, folder), { recursive: true });
  const unfinished = temporaryName(folderId);
  for (const name of ['.tidemark/state.db', unfinished, 'node_modules/x/a', '~$report.docx', 'b.tmp', 'src/a']) {
    await writeFile(join(root, name), 'x');
  }
  const { seen } = await look(root, new Map(), 'node_modules/\n');
  expect([...seen].sort()).toEqual(['src', 'src/a']);
});

test('only unfinished files of this folder are removed; what merely looks like one is kept, and synced or listed', async () => {
  const root = await temporaryFolder();
  const [ours, another, folder] = [temporaryName(folderId), temporaryName(randomUUID()), temporaryName(folderId)];
  await mkdir(join(root, 'deep'));
  await mkdir(join(root, folder));
  for (const name of [ours, `deep/${ours}`, another, '.tidemark-tmp-notes', `${ours}.txt`, `${folder}/inside`]) {
    await writeFile(join(root, name), 'x');
  }
  await mkdir(join(root, '.tidemark-tmp-folder'));
  const { seen, skipped } = await scan([''], { ...options(root), removeTemporary: true });
  expect((await readdir(root)).sort()).toEqual(
    ['deep', another, folder, '.tidemark-tmp-notes', `${ours}.txt`, '.tidemark-tmp-folder'].sort(),
  );
  expect(await readdir(join(root, 'deep'))).toEqual([]);
  expect(seen).toEqual(new Set(['deep', '.tidemark-tmp-notes', `${ours}.txt`, '.tidemark-tmp-folder']));
  expect([...skipped.keys()].sort()).toEqual([another, folder].sort());
  expect(skipped.get(another)).toMatch("is kept for Tidemark's unfinished files");
});

test('a folder named like the state folder is listed, at any depth and in any spelling', async () => {
  const root = await temporaryFolder();
  for (const name of ['sub/.tidemark', '.TideMark', 'sub/.tide\u200cmark']) {
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, 'x'), 'x');
  }
  const { seen, skipped } = await look(root);
  expect([...seen]).toEqual(['sub']);
  expect([...skipped.keys()].sort()).toEqual(['.TideMark', 'sub/.tidemark', 'sub/.tide\u200cmark']);
});

test('a name in decomposed form is listed with what nobody sees', async () => {
  const root = await temporaryFolder();
  const decomposed = 'r\u0065\u0301sume\u0301';
  await mkdir(join(root, decomposed));
  await writeFile(join(root, 'e\u0301'), 'x');
  await writeFile(join(root, '\u00e9'), 'x');
  const { seen, skipped } = await look(root);
  expect([...seen]).toEqual(['\u00e9']);
  expect(skipped.get(decomposed)).toBe(
    'the name writes “e\u0301” as U+0065 U+0301, and other devices as U+00E9; rename it to sync it',
  );
  expect(skipped.get('e\u0301')).toMatch('one that looks the same lies beside it');
});

test('a synced folder that was moved into this one is listed and left alone', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, 'moved/.tidemark'), { recursive: true });
  for (const name of ['moved/.tidemark/state.db', 'moved/a', 'b']) await writeFile(join(root, name), 'x');
  const { seen, skipped } = await look(root);
  expect([...seen]).toEqual(['b']);
  expect(skipped.get('moved')).toMatch('is a synced folder of its own');
});

test("a device's sign-in is never synced, wherever it lies and whatever its name", async () => {
  const [root, config] = [await temporaryFolder(), await temporaryFolder()];
  const url = 'https://tidemark.example';
  await saveConfiguration(config, {
    api_url: url,
    socket_url: url,
    provider_url: url,
    client_id: 'client',
    username: 'user',
    refresh_token: 'the token',
    device_id: randomUUID(),
    device_name: 'desk',
  });
  await mkdir(join(root, 'old'));
  await copyFile(join(config, 'config.json'), join(root, 'config.json'));
  await copyFile(join(config, 'config.json'), join(root, 'old/backup.bak'));
  await writeFile(join(root, 'cut'), (await readFile(join(config, 'config.json'), 'utf8')).slice(0, -88));
  await writeFile(join(root, 'other.json'), '{"refresh_token": "of another program"}');
  const { found, skipped } = await look(root);
  expect([...found.keys()].sort()).toEqual(['old', 'other.json']);
  expect([...skipped.keys()].sort()).toEqual(['config.json', 'cut', 'old/backup.bak']);
  expect(skipped.get('cut')).toBe("holds a device's sign-in, which stays on that device");
});

test('what stays apart is listed, with nothing in it', async () => {
  const root = await temporaryFolder();
  await mkdir(join(root, '.config/tidemark'), { recursive: true });
  await writeFile(join(root, '.config/tidemark/config.json'), 'x');
  const apart = new Set(['.config/tidemark']);
  const { seen, skipped } = await scan([''], { ...options(root), apart });
  expect([...seen]).toEqual(['.config']);
  expect([...skipped.keys()]).toEqual(['.config/tidemark']);
});

describe('rules', () => {
  const ignores = compileIgnores('!keep.tmp\n/build/\nnotes/\n');
  const left = (path: string, kind: 'file' | 'directory' = 'file'): string | undefined =>
    ignores(path, kind === 'directory')?.rule;

  test('a rule in the file overrides one built in', () => {
    expect(left('keep.tmp')).toBeUndefined();
    expect(left('other.tmp')).toBe('*.tmp');
    expect(left('build', 'directory')).toBe('/build/');
    expect(left('build/out/a')).toBe('/build/');
    expect(left('src/build', 'directory')).toBeUndefined();
    expect(left('.tidemarkignore')).toBeUndefined();
    expect(left('.tidemark/state.db')).toBe('');
  });

  test('upper and lower case differ', () => {
    expect(left('notes', 'directory')).toBe('notes/');
    expect(left('Notes', 'directory')).toBeUndefined();
    expect(left('REPORT.TMP')).toBeUndefined();
  });

  test('those built in leave out files, and no directory of the user', () => {
    expect(left('proj.tmp', 'directory')).toBeUndefined();
    expect(left('proj.tmp/thesis.doc')).toBeUndefined();
    expect(left('proj.tmp/~$thesis.doc')).toBe('~$*');
    expect(left('.~lock.thesis.odt#')).toBe('.~lock.*#');
    expect(left('.~locksmith')).toBeUndefined();
  });

  test('say where they stand', () => {
    expect(ignores('a/notes/b', false)).toEqual({ rule: 'notes/', source: 'line 3 of .tidemarkignore' });
    expect(ignores('a.tmp', false)).toEqual({ rule: '*.tmp', source: 'built in' });
  });
});
