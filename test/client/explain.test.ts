import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Device } from '../../local/demo/devices/device.ts';
import { Explanation } from '../../protocol/output/explanation.ts';
import { type Account, openAccount } from './account.ts';

let account: Account;
let desk: Device;

beforeAll(async () => {
  account = await openAccount();
  desk = await account.device('desk');
  await mkdir(join(desk.folder, 'docs/build'), { recursive: true });
  await writeFile(join(desk.folder, '.tidemarkignore'), 'build/\n');
  for (const name of ['docs/note', 'docs/build/out', 'draft.tmp']) await writeFile(join(desk.folder, name), 'content');
  await symlink('/note', join(desk.folder, 'docs/link'));
  await desk.run(['sync', desk.folder, '--once']);
  await writeFile(join(desk.folder, 'docs/new'), 'new');
});
afterAll(() => account.close());

const explain = async (path: string): Promise<Explanation> =>
  Explanation.parse(JSON.parse(await desk.run(['explain', join(desk.folder, path), '--json'])));

test.each([
  [
    'docs/note',
    { state: 'synced', version: 1, message: /^in sync as far as is known; no sync is running: version 1, 7 B$/ },
  ],
  ['docs', { state: 'synced', version: 1, message: /; of what is in it 1 is not, as 'tidemark status' lists$/ }],
  [
    'docs/build/out',
    {
      state: 'ignored',
      rule: 'build/',
      source: 'line 1 of .tidemarkignore',
      message: /left out with docs\/build by build\//,
    },
  ],
  ['draft.tmp', { state: 'ignored', rule: '*.tmp', source: 'built in', message: /left out by \*\.tmp/ }],
  ['docs/link', { state: 'problem', message: /is a symbolic link to an absolute place/ }],
  ['.tidemark/state.db', { state: 'own', message: /client’s own files/ }],
  ['docs/new', { state: 'unseen', message: /no sync has looked at it yet: no sync is running/ }],
  ['nothing', { state: 'absent', message: /neither here nor at the service/ }],
] as const)('%s is explained', async (path, { message, ...rest }) => {
  expect(await explain(path)).toEqual({ path, message: expect.stringMatching(message), ...rest });
});

test('a person reads one line, and a path outside of a synced folder is named', async () => {
  expect(await desk.run(['explain', join(desk.folder, 'nothing')])).toBe(
    'nothing: it is neither here nor at the service, as far as is known\n',
  );
  await expect(desk.run(['explain', '/'])).rejects.toThrow(/is not inside a synced folder/);
  await expect(desk.run(['explain', desk.folder])).rejects.toThrow(/name a file or folder inside/);
});

test.each([
  ['docs/build/out', 'docs/build/out: build/ (line 1 of .tidemarkignore)'],
  ['elsewhere/build/', 'elsewhere/build: build/ (line 1 of .tidemarkignore)'],
  ['never.tmp', 'never.tmp: *.tmp (built in)'],
])('check-ignore names the rule for %s', async (path, line) => {
  expect(await desk.run(['check-ignore', `${desk.folder}/${path}`])).toBe(`${line}\n`);
});

test('check-ignore fails for what no rule leaves out, which a folder may be where a file is not', async () => {
  for (const path of ['docs/note', 'elsewhere/build'])
    await expect(desk.run(['check-ignore', `${desk.folder}/${path}`])).rejects.toThrow(/no rule leaves it out/);
});
