import type { DownloadResponse } from '../../protocol/download.ts';

export type PackPart = DownloadResponse['packed'][string];

/** Bytes between two contents that come along rather than cost a request. */
const GAP_BYTES = 32 * 1024;
/** Bytes of one request. */
const SPAN_BYTES = 1024 * 1024;

/** Contents that lie near each other in a pack, by hash, and the part of it in bytes that has them all. */
export interface Span extends PackPart {
  readonly contents: ReadonlyMap<string, PackPart>;
}

/** Joins contents to parts of packs, so that few requests bring them and little else. */
export function spansOf(contents: ReadonlyMap<string, PackPart>): Span[] {
  const sorted = [...contents].sort(([, one], [, other]) => one.pack.localeCompare(other.pack) || one.at - other.at);
  const spans: (Span & { readonly contents: Map<string, PackPart> })[] = [];
  for (const [hash, part] of sorted) {
    const last = spans.at(-1);
    const joined = last?.pack === part.pack ? Math.max(last.at + last.bytes, part.at + part.bytes) - last.at : Infinity;
    if (last && joined <= SPAN_BYTES && part.at - (last.at + last.bytes) <= GAP_BYTES) {
      last.bytes = joined;
      last.contents.set(hash, part);
    } else spans.push({ ...part, contents: new Map([[hash, part]]) });
  }
  return spans;
}
