import { createHash } from 'node:crypto';
import { ancestors, nameOf, parentOf } from '../../protocol/path.ts';
import { type TreeItem, treeHash } from '../../protocol/tree-hash.ts';
import type { RemoteEntry } from '../plan/tree.ts';

/** The recursive hash of every directory of the remote tree, as the service computes it. */
export function treeHashes(remote: ReadonlyMap<string, RemoteEntry>): Map<string, string> {
  const items = new Map<string, TreeItem[]>();
  const directories = new Set<string>();
  for (const [path, { kind, version, blocks }] of remote) {
    for (const above of ancestors(path)) directories.add(above);
    if (kind === 'directory') directories.add(path);
    else add(items, path, { name: nameOf(path), kind, version, hashes: blocks.map(({ hash }) => hash) });
  }
  const hashes = new Map<string, string>();
  // A directory sorts before all that lies in it.
  for (const path of [...directories].sort().reverse()) {
    const hash = treeHash(items.get(path) ?? [], sha256);
    hashes.set(path, hash);
    const version = remote.get(path)?.version ?? 0;
    add(items, path, { name: nameOf(path), kind: 'directory', version, hashes: [hash] });
  }
  return hashes;
}

function add(items: Map<string, TreeItem[]>, path: string, item: TreeItem): void {
  const parent = parentOf(path);
  const siblings = items.get(parent);
  if (siblings) siblings.push(item);
  else items.set(parent, [item]);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
