import { BlockCache } from '../../client/disk/block-cache.ts';
import type { Api } from '../../client/service/api.ts';
import { State } from '../../client/state/state.ts';
import { Sync } from '../../client/steps/context.ts';
import { FilePool } from '../../codec/node/file-pool.ts';

/** What the steps of a device work on, in this process. The test closes its state. */
export async function openSync(root: string, api: Api, device: Sync['device']): Promise<Sync> {
  const cache = new BlockCache(root);
  await cache.open();
  const [state, pool, report, apart] = [new State(root), new FilePool(), () => undefined, new Set<string>()];
  return new Sync({ root, state, api, cache, pool, report, device, apart });
}
