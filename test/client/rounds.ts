import { onTestFinished } from 'vitest';
import { ignoreFile } from '../../client/disk/ignore.ts';
import { Clock } from '../../client/engine/clock.ts';
import { DeletionGuard } from '../../client/engine/deletion-guard.ts';
import { Readings } from '../../client/engine/readings.ts';
import { Rounds } from '../../client/engine/round.ts';
import { Transfers } from '../../client/engine/transfers.ts';
import type { LocalEntry } from '../../client/plan/tree.ts';
import type { Api } from '../../client/service/api.ts';
import type { Sync } from '../../client/steps/context.ts';
import { temporaryFolder } from './folder.ts';
import { openSync } from './open-sync.ts';

export const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };
export const directory: LocalEntry = {
  kind: 'directory',
  size: 0,
  mode: 0o755,
  mtime_ms: 0,
  blocks: [],
  identity: '1:1:1',
  hint: '',
};

export const smallFile = {
  kind: 'file',
  size: 1,
  mode: 0o644,
  mtime_ms: 0,
  blocks: [{ hash: '0'.repeat(64), size: 1 }],
} as const;

/** What a test gives rounds, and what they did. */
interface Given {
  now: number;
  /** What was done, in its order. */
  happened: string[];
  /** What the look at the disk finds. */
  found: (sync: Sync) => void;
  missingRoot: Error | undefined;
  /** A path that may turn up under another name. */
  unsettled: string | undefined;
}

/** What a test sees of rounds, and what it gives them. */
export interface Scene extends Given {
  readonly sync: Sync;
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly rounds: Rounds;
  readonly readings: Readings;
  /** The rounds until nothing is left to do and nothing on its way; answers how long to wait then. */
  readonly settle: () => Promise<number>;
}

/**
 * Rounds on a real state and folder, at a time that the test sets. What the look at the disk finds and what the service
 * answers is given by the test.
 */
export async function openRounds(api: Partial<Api> = {}): Promise<Scene> {
  const scene: Given = {
    now: 1_000_000,
    happened: [],
    found: () => undefined,
    missingRoot: undefined,
    unsettled: undefined,
  };
  let news = Promise.withResolvers<void>();
  const quiet: Partial<Api> = {
    changes: async (_device, cursor) => {
      scene.happened.push('catch up');
      return { sent: 0, body: { changes: [], cursor, more: false } };
    },
    damage: async () => {
      scene.happened.push('heal');
      return { sent: 0, body: { hashes: [] } };
    },
    uploadInit: async ({ upload_id, files }) => {
      scene.happened.push(...files.map(({ path }) => `upload ${path}`));
      return { sent: 0, body: { upload_id, expires_at: 0, refused: [], send: [] } };
    },
  };
  const sync = await openSync(await temporaryFolder(), { ...quiet, ...api } as Api, device);
  onTestFinished(() => sync.state.close());
  // Uploads go beside the rounds, and are committed by them.
  sync.saves.close();
  const clock = new Clock(() => scene.now);
  const demandRoot = async (): Promise<void> => {
    if (scene.missingRoot) throw scene.missingRoot;
  };
  const transfers = new Transfers({ sync, demandRoot, onNews: () => news.resolve() });
  onTestFinished(() => transfers.close());
  const rulesFound = (): string | undefined => sync.state.trees.local.get(ignoreFile)?.hint;
  let rules = rulesFound();
  const readings = new Readings(() => undefined);
  const rounds = new Rounds({
    sync,
    transfers,
    clock,
    lookout: {
      look: async ({ first = false } = {}) => {
        scene.happened.push(first ? 'first look' : 'look');
        sync.notices.takeUnseen();
        scene.found(sync);
      },
      readIgnores: async () => {
        scene.happened.push('read rules');
        rules = rulesFound();
      },
      rulesDiffer: async () => rules !== rulesFound(),
      blocked: () => false,
      goesAlong: () => true,
      isUnsettled: (path) => path === scene.unsettled,
      readings,
      isRestless: false,
    },
    guard: new DeletionGuard(false),
    demandRoot,
    onCaughtUp: () => scene.happened.push('caught up'),
    signal: new AbortController().signal,
  });
  const settle = async (): Promise<number> => {
    for (;;) {
      const wait = await rounds.run();
      if (wait === undefined) continue;
      if (transfers.isIdle) return wait;
      await news.promise;
      news = Promise.withResolvers();
    }
  };
  return Object.assign(scene, { sync, clock, transfers, rounds, readings, settle });
}
