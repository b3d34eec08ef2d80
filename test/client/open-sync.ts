import type { Api } from '../../client/api.ts';
import { BlockCache } from '../../client/block-cache.ts';
import { State } from '../../client/state.ts';
import { Sync } from '../../client/sync.ts';
import { FilePool } from '../../codec/node/file-pool.ts';

/** What the steps of a device work on, in this process. The test closes its state. */
export async function openSync(root: string, api: Api, device: Sync['device']): Promise<Sync> {
  const cache = new BlockCache(root);
  await cache.open();
  const [state, pool, report, apart] = [new State(root), new FilePool(), () => undefined, new Set<string>()];
  return new Sync({ root, state, api, cache, pool, report, device, apart });
}
