import { lstatSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing, quietly } from '../common/errors.ts';
import { flushDirectory } from '../common/replace-file.ts';
import { isLeaf, type LocalEntry } from '../plan/tree.ts';
import { attributesOf, hintOf, identityOf, sameBytes } from './stamps.ts';

/**
 * Gives an entry another name, and answers what is known of it there. It has that name from then on, whatever others do
 * at this moment: where they take it away, rename a directory around it or write to it, its hint is empty, so that it is
 * read again.
 */
export async function renameEntry(source: string, target: string, entry: LocalEntry): Promise<LocalEntry> {
  await rename(source, target);
  for (const directory of new Set([dirname(target), dirname(source)])) {
    await flushDirectory(directory).catch((error) => {
      if (!isMissing(error)) throw error;
    });
  }
  const stats = quietly(() => lstatSync(target, { bigint: true, throwIfNoEntry: false }));
  if (stats === undefined || attributesOf(stats).kind !== entry.kind) return { ...entry, hint: '' };
  const isKnown = isLeaf(entry) && sameBytes(entry, stats);
  return { ...entry, identity: identityOf(stats), hint: isKnown ? hintOf(stats) : '' };
}
