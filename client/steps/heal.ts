import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import { each } from '../common/each.ts';
import type { Sync } from './context.ts';
import { type BlockPlace, blockPlaces, readIfThere } from './folder-blocks.ts';
import { putBlock, usableUntil } from './put-block.ts';
import type { Sending } from './send-blocks.ts';

const CONCURRENCY = 4;

/** Sends blocks that the service has lost, or found damaged, and this device still has. Returns how many it sent. */
export async function heal(
  sync: Pick<Sync, 'api' | 'device' | 'root' | 'snapshots' | 'state' | 'cache' | 'notices'>,
  sending: Sending,
): Promise<number> {
  const damaged = await listDamage(sync);
  if (damaged.size === 0) return 0;
  const places = findPlaces(sync, damaged);
  const here = [...damaged].filter((hash) => places.has(hash) || sync.cache.has(hash));
  let sent = 0;
  for (const batch of batched(here, { most: limits.healsPerCall }))
    sent += await healBatch(sync, batch, places, sending);
  return sent;
}

async function listDamage({ api, device }: Pick<Sync, 'api' | 'device'>): Promise<Set<string>> {
  const damaged = new Set<string>();
  let after: string | undefined;
  do {
    const { body } = await api.damage(device.id, after);
    for (const hash of body.hashes) damaged.add(hash);
    after = body.next;
  } while (after !== undefined);
  return damaged;
}

function findPlaces({ state }: Pick<Sync, 'state'>, hashes: ReadonlySet<string>): Map<string, BlockPlace> {
  const found = new Map<string, BlockPlace>();
  for (const [path, { blocks }] of state.trees.local) {
    if (!blocks.some(({ hash }) => hashes.has(hash))) continue;
    for (const [hash, place] of blockPlaces(path, blocks)) if (hashes.has(hash)) found.set(hash, place);
  }
  return found;
}

async function healBatch(
  sync: Pick<Sync, 'api' | 'device' | 'root' | 'snapshots' | 'cache' | 'notices'>,
  hashes: readonly string[],
  places: ReadonlyMap<string, BlockPlace>,
  { channel, signal }: Sending,
): Promise<number> {
  const until = usableUntil(performance.now());
  const { body } = await sync.api.heal({ device_id: sync.device.id, hashes: [...hashes] });
  const sent: string[] = [];
  await each(body.send, { concurrency: CONCURRENCY, signal }, async ({ hash, url, headers }, either) => {
    const bytes = await read(sync, hash, places.get(hash));
    if (bytes && (await putBlock({ hash, url, headers, until }, bytes, channel, either))) sent.push(hash);
  });
  if (sent.length > 0) await sync.api.heal({ device_id: sync.device.id, hashes: sent });
  return sent.length;
}

async function read(
  sync: Pick<Sync, 'root' | 'snapshots' | 'cache' | 'notices'>,
  hash: string,
  place: BlockPlace | undefined,
): Promise<Uint8Array | undefined> {
  const cached = await sync.cache.get(hash);
  return cached || !place ? cached : await readIfThere(sync, place, hash);
}
