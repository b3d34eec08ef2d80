import { sha256, toHex } from '../../codec/index.ts';
import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import { each } from '../common/each.ts';
import { FileRefused } from '../common/errors.ts';
import { ServiceError, StoreUnreachable } from '../service/errors.ts';
import type { Sync } from './context.ts';
import { putBlock, usableUntil } from './put-block.ts';
import type { Sending } from './send-blocks.ts';

/** An encoded content. */
interface Packable {
  readonly encoded: Uint8Array;
}

/** Contents that lie one after the other in a pack. */
export interface Pack<Content> {
  readonly block: Block;
  readonly bytes: Uint8Array;
  readonly contents: readonly Content[];
}

/** Whether a content may go in a pack: what is smaller ends up in a row. */
export function isPackable({ encoded }: Packable): boolean {
  return encoded.length > limits.rowBytes;
}

/** Puts contents together to packs, in their order. */
async function fillPacks<Content extends Packable>(contents: readonly Content[]): Promise<Pack<Content>[]> {
  const groups = [...batched(contents, { most: limits.blockBytes, of: ({ encoded }) => encoded.length })];
  return await Promise.all(
    groups.map(async (contents) => {
      const bytes = Buffer.concat(contents.map(({ encoded }) => encoded));
      return { block: { hash: toHex(await sha256(bytes)), size: bytes.length }, bytes, contents };
    }),
  );
}

/**
 * Sends contents in packs, which the service reads from the store. Answers those that are there; what others have is to
 * be sent another way.
 */
export async function sendPacks<Content extends Packable>(
  { api, device, saves }: Pick<Sync, 'api' | 'device' | 'saves'>,
  contents: readonly Content[],
  { channel, signal }: Sending,
): Promise<Pack<Content>[]> {
  if (contents.length === 0) return [];
  const packs = await fillPacks(contents);
  const sent: Pack<Content>[] = [];
  try {
    const asked = performance.now();
    const { body } = await api.packs({ device_id: device.id, packs: packs.map(({ block }) => block) });
    const until = usableUntil(asked);
    const puts = body.send.map((put, index) => ({ ...put, until, pack: packs[index]! }));
    await each(puts, { concurrency: packs.length, signal }, async ({ pack, ...put }, either) => {
      if (await putBlock(put, pack.bytes, channel, either)) sent.push(pack);
    });
  } catch (error) {
    signal.throwIfAborted();
    const isStores = error instanceof StoreUnreachable || error instanceof FileRefused;
    if (!isStores && !(error instanceof ServiceError)) throw error;
    saves.closePacks();
  }
  return sent;
}
