import type { Block } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import type { SaveHeader } from '../../protocol/save.ts';
import type { SentContent } from './keep-contents.ts';

/** The packs in which wanted contents lie. */
export function packsFor({ packs = [], contents }: SaveHeader, wanted: ReadonlySet<string>): Block[] {
  const used = new Set(contents.flatMap(({ hash, pack }) => (pack !== undefined && wanted.has(hash) ? [pack] : [])));
  return packs.filter((_, index) => used.has(index));
}

/** The contents of those packs that are there, by their hashes. */
export function cutPacks({ packs = [], contents }: SaveHeader, there: ReadonlyMap<string, Uint8Array>): SentContent[] {
  return packs.flatMap(({ hash: pack }, index) => {
    const bytes = there.get(pack);
    if (!bytes) return [];
    let end = 0;
    return contents
      .filter((content) => content.pack === index)
      .map(({ hash, size, bytes: length }) => {
        const at = end;
        end += length;
        return { hash, size, encoded: bytes.subarray(at, end), sent: { pack, at, bytes: length } };
      });
  });
}

/** How many bytes of each pack these contents are, but for those that rows keep. */
export function bytesByPack(contents: readonly SentContent[]): Map<string, number> {
  const used = new Map<string, number>();
  for (const { sent } of contents) {
    if (sent && sent.bytes > limits.rowBytes) used.set(sent.pack, (used.get(sent.pack) ?? 0) + sent.bytes);
  }
  return used;
}
