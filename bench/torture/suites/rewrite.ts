import { createHash, randomBytes } from 'node:crypto';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Suite } from '../suite.ts';

const BYTES = 50_000;
/** One name per way, and how long each way waits between two saves, ms. */
const ways = { 'in place, 50 ms': 50, 'in place, 200 ms': 200, 'by rename, 50 ms': 50 } as const;

/** Files that are saved all the time, in place and by rename: how often the other device sees another content. */
export const rewrite: Suite = {
  name: 'saved all the time',
  async work({ here, there, seconds }) {
    const [saved, seen] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
    const stop = AbortSignal.timeout(1000 * seconds);
    const saving = Object.entries(ways).map(async ([name, wait]) => {
      saved.set(name, new Set());
      while (!stop.aborted) {
        const content = randomBytes(BYTES);
        saved.get(name)!.add(hashOf(content));
        if (name.startsWith('by rename')) {
          await writeFile(join(here, `${name}.new`), content);
          await rename(join(here, `${name}.new`), join(here, name));
        } else await saveInPlace(join(here, name), content);
        await sleep(wait);
      }
    });
    while (!stop.aborted) {
      for (const name of Object.keys(ways)) {
        const content = await readFile(join(there, name)).catch(() => undefined);
        if (content) seen.set(name, (seen.get(name) ?? new Set()).add(hashOf(content)));
      }
      await sleep(100);
    }
    await Promise.all(saving);
    const found = Object.keys(ways).flatMap((name) => judge(name, saved.get(name)!, seen.get(name) ?? new Set()));
    return {
      did: Object.keys(ways)
        .map((name) => `${name}: ${seen.get(name)?.size ?? 0} seen`)
        .join('; '),
      found,
    };
  },
};

async function saveInPlace(place: string, content: Uint8Array): Promise<void> {
  const file = await open(place, 'a+').then(async (made) => {
    await made.close();
    return open(place, 'r+');
  });
  await file.write(content, 0, content.length, 0).finally(() => file.close());
}

function judge(name: string, saved: ReadonlySet<string>, seen: ReadonlySet<string>): string[] {
  const strange = [...seen].filter((hash) => !saved.has(hash)).length;
  return [
    ...(seen.size === 0 ? [`${name}: nothing of it was at the other device while it was saved`] : []),
    ...(strange > 0 ? [`${name}: ${strange} contents at the other device that nobody saved`] : []),
  ];
}

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
