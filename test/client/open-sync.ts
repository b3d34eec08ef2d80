import { BlockCache } from '../../client/disk/block-cache.ts';
import type { Report } from '../../client/output/report.ts';
import type { Api } from '../../client/service/api.ts';
import { State } from '../../client/state/state.ts';
import { createSync, type Sync } from '../../client/steps/context.ts';
import { FilePool } from '../../codec/node/file-pool.ts';

/** What the steps of a device work on, in this process. The test closes its state. */
export async function openSync(
  root: string,
  api: Api,
  device: Sync['device'],
  report: Report = () => undefined,
): Promise<Sync> {
  const cache = new BlockCache(root);
  await cache.open();
  const [state, pool, apart] = [new State(root), new FilePool(), new Set<string>()];
  return createSync({ root, state, api, cache, pool, report, device, apart, tell: () => undefined });
}
