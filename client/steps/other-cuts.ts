import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import { systemCode } from '../common/errors.ts';
import { holdsBlocks } from '../disk/hash-file.ts';
import { bytesOf } from '../plan/block-offsets.ts';
import { type Content, type LocalEntry, notableEntries, sameContent, type Tree } from '../plan/tree.ts';
import type { Sync } from './context.ts';
import { contentPlace } from './folder-blocks.ts';

type Cuts = readonly Block[];
type Parts = Pick<Sync, 'root' | 'snapshots' | 'state' | 'pool' | 'notices'>;

/**
 * The same bytes may be cut in different places: by devices that edited a file in other steps, and where a device knows
 * nothing of the edits. A local file that seems to be another than it is elsewhere, and has its size, is read once more by
 * the cuts that it has there; what turns out to be the same has those from then on, so that it is neither a conflict nor
 * sent.
 */
export class OtherCuts {
  readonly #sync: Parts;
  /** What was compared, and is another content. */
  readonly #others = new WeakMap<Cuts, WeakSet<Cuts>>();

  constructor(sync: Parts) {
    this.#sync = sync;
  }

  /** Compares the local files at these paths with what is there at the service, and new content with all that is known. */
  async compare(paths: Iterable<string>): Promise<void> {
    const cutOtherwise = otherwiseIndex(this.#sync.state.trees);
    for (const path of paths) {
      const { local, remote, synced } = this.#sync.state.trees;
      const here = local.get(path);
      if (here?.kind !== 'file') continue;
      const there = [remote.get(path), synced.get(path)].filter((entry) => entry !== undefined);
      const isKnown = there.some((entry) => sameContent(here, entry));
      if (sameContent(here, there[0])) continue;
      const candidates = there.map(({ blocks }) => blocks);
      if (!isKnown && here.size > limits.blockBytes) candidates.push(...cutOtherwise(here.blocks));
      for (const blocks of candidates) if (await this.#takeOver(path, here, blocks)) break;
    }
  }

  /** Gives a file the blocks that others know it by, if it holds them. */
  async #takeOver(path: string, here: LocalEntry, blocks: Cuts): Promise<boolean> {
    if (!isCutOtherwise(here.blocks, blocks) || this.#others.get(here.blocks)?.has(blocks)) return false;
    const { snapshots, state, notices, pool } = this.#sync;
    const isCopy = snapshots.placeOf(path) !== undefined;
    const found = await holdsBlocks(contentPlace(this.#sync, path), blocks, pool).catch((error) => {
      if (systemCode(error) === undefined) throw error;
      return undefined;
    });
    if (!found) return false;
    const { holds, hint } = found;
    if (!isCopy && here.hint !== '' && here.hint !== hint) {
      notices.lookAgain(path);
      return false;
    }
    if (holds) state.set('local', path, { ...here, blocks });
    else this.#note(here.blocks, blocks);
    return holds;
  }

  #note(here: Cuts, blocks: Cuts): void {
    const others = this.#others.get(here) ?? new WeakSet();
    this.#others.set(here, others.add(blocks));
  }
}

/** Whether two lists of blocks are of as many bytes, which may be the same. */
function isCutOtherwise(one: Cuts, other: Cuts): boolean {
  return bytesOf(one) === bytesOf(other) && cutsOf(one) !== cutsOf(other);
}

/** Finds contents of as many bytes that are cut otherwise. The index is built on first use. */
function otherwiseIndex({ local, remote, synced }: Sync['state']['trees']): (blocks: Cuts) => Cuts[] {
  /** By size, then by cuts: files of one size are often many, and cut alike. */
  let index: Map<number, Map<string, Cuts[]>> | undefined;
  const build = (): NonNullable<typeof index> => {
    const trees: readonly Tree<Content>[] = [remote, synced, local];
    const notable = trees.flatMap((tree) => [...notableEntries(tree).map(([, entry]) => entry)]);
    const large = notable.filter(({ size }) => size > limits.blockBytes);
    const bySize = Map.groupBy(large, ({ size }) => size);
    const byCuts = (same: readonly Content[]) =>
      Map.groupBy(
        same.map(({ blocks }): Cuts => blocks),
        cutsOf,
      );
    return new Map([...bySize].map(([size, same]) => [size, byCuts(same)]));
  };
  return (blocks) => {
    index ??= build();
    const groups = index.get(bytesOf(blocks)) ?? new Map<string, Cuts[]>();
    return [...groups].flatMap(([cuts, others]) => (cuts === cutsOf(blocks) ? [] : others));
  };
}

function cutsOf(blocks: Cuts): string {
  return blocks.map(({ size }) => size).join();
}
