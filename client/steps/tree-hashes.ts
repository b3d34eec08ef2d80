import { createHash } from 'node:crypto';
import { treeHashes as hashesOf, type TreeItem } from '../../protocol/tree-hash.ts';
import type { RemoteEntry } from '../plan/tree.ts';

/** The recursive hash of every directory of the remote tree, or of a part of it, as the service computes it. */
export function treeHashes(remote: Iterable<readonly [string, RemoteEntry]>): Map<string, string> {
  return hashesOf(items(remote), sha256);
}

function* items(
  remote: Iterable<readonly [string, RemoteEntry]>,
): Generator<readonly [string, Omit<TreeItem, 'name'>]> {
  for (const [path, { kind, version, blocks }] of remote) {
    yield [path, { kind, version, hashes: blocks.map(({ hash }) => hash) }];
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
