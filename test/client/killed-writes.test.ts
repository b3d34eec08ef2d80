import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isUnfinished } from '../../protocol/reserved-name.ts';
import { temporaryFolder } from './folder.ts';

const KILLS = 6;

test('a client that is killed while it replaces files leaves each as it was or as it was to be', {
  timeout: 120_000,
}, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const folder = await temporaryFolder();
    const child = fork(fileURLToPath(new URL('./killed-writes.ts', import.meta.url)), [folder], { execArgv: [] });
    await once(child, 'message');
    const ended = once(child, 'exit');
    // In any of its steps, with luck in another each time.
    await sleep(Math.random() * 50);
    child.kill('SIGKILL');
    await ended;
    const all = (await readdir(folder)).filter((name) => !isUnfinished(name));
    const links = all.filter((name) => name.startsWith('link'));
    const targets = await Promise.all(links.map((name) => readlink(join(folder, name))));
    const names = all.filter((name) => !name.startsWith('link'));
    const contents = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
    const times = contents.map((content) => Number.parseInt(content, 10));
    expect(contents, 'I16: whole files').toEqual(times.map((time) => `${time} `.repeat(1000)));
    expect(names, 'I16: neither the old file nor the new one').toHaveLength(40);
    expect(links, 'I16: neither the old link nor the new one').toHaveLength(10);
    const every = [...times, ...targets.map((target) => Number(target.slice(3)))];
    expect(Math.max(...every) - Math.min(...every)).toBeLessThanOrEqual(1);
  }
});
