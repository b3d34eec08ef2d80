import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { Lookout } from '../../client/engine/lookout.ts';
import type { Api } from '../../client/service/api.ts';
import { contentsOf, DIRECTORY } from '../e2e/simulation/contents.ts';
import { carryOut } from '../e2e/simulation/edit.ts';
import { anEdit, type Edit } from '../e2e/simulation/scenario.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

/*
 * Edits of a real folder of which the watch says nothing, or later and in another order, and what looks at the told
 * paths, and the one at everything that is due each minute (`client/engine/clock.ts`), make of it. EVENTS_RUNS plays more.
 */
const { EVENTS_RUNS = '60', EVENTS_SEED = '1' } = process.env;
/** Longer than a tick of the clock by which the system stamps files. */
const TICK_MS = 11;
const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };

interface Told {
  readonly edit: Edit;
  /** When a look is told of it: never, before everything that waits, or after it. */
  readonly event: 'lost' | 'first' | 'last';
  /** Whether a look follows, at so many of the paths that wait. */
  readonly looksAt: number;
}

const histories = fc.array(
  fc.record({
    edit: anEdit,
    event: fc.constantFrom('lost', 'first', 'last'),
    looksAt: fc.constantFrom(0, 0, 1, 2, 100),
  } satisfies Record<keyof Told, fc.Arbitrary<unknown>>),
  { minLength: 3, maxLength: 14 },
);

/** @param isTrusting whether files are old enough by the client's clock for their stamps to say that nothing changed */
async function play(history: readonly Told[], isTrusting: boolean): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + (isTrusting ? 3_600_000 : 0) });
  const around = await temporaryFolder();
  const [folder, trash] = [join(around, 'folder'), join(around, 'trash')];
  for (const each of [folder, trash]) await mkdir(each);
  const sync = await openSync(folder, {} as Api, device);
  try {
    const watch = { directory: () => undefined, forget: () => undefined, close: () => undefined };
    const lookout = new Lookout(sync, watch, { later: () => undefined, isCollecting: false });
    const look = async (paths: readonly string[]): Promise<void> => {
      for (const path of paths) sync.notices.look(path);
      await lookout.look();
      if (isTrusting) await sleep(TICK_MS);
    };
    await lookout.readIgnores();
    await look(['']);
    const waiting: string[] = [];
    for (const [number, { edit, event, looksAt }] of history.entries()) {
      carryOut(edit, { folder, trash: join(trash, `${number}`), number });
      const paths = edit.do === 'move' ? [edit.to, edit.path] : [edit.path];
      if (event === 'first') waiting.unshift(...paths);
      if (event === 'last') waiting.push(...paths);
      if (looksAt > 0) await look(waiting.splice(0, looksAt));
    }
    const demandEqual = async (): Promise<void> => {
      const known = [...sync.state.trees.local].map(
        ([path, { blocks }]) => [path, blocks[0]?.hash ?? DIRECTORY] as const,
      );
      expect(new Map(known.sort()), 'I56: what is known of the folder').toEqual(await contentsOf(folder));
    };
    await look(['']);
    await demandEqual();
    // Events of before, that come when all is known.
    await look(waiting);
    await demandEqual();
  } finally {
    sync.state.close();
    vi.useRealTimers();
  }
}

test('whatever events of the folder get lost, come late or in another order, a look at all of it finds what is there', async () => {
  await fc.assert(fc.asyncProperty(histories, fc.boolean(), play), {
    numRuns: Number(EVENTS_RUNS),
    seed: Number(EVENTS_SEED),
    includeErrorInReport: true,
  });
});
