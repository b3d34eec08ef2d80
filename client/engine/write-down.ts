import type { ScanResult } from '../disk/scan-result.ts';
import type { Watch } from '../disk/watch.ts';
import { type LocalEntry, same, sameContent } from '../plan/tree.ts';
import { inParts } from '../state/in-parts.ts';
import type { Sync } from '../steps/context.ts';
import type { RestlessFiles } from './restless-files.ts';

type Parts = Pick<Sync, 'state' | 'notices'>;

interface Told {
  readonly restless: Pick<RestlessFiles, 'took'>;
  readonly watch: Pick<Watch, 'forget'>;
}

/**
 * Writes down what a look found, and what is missing. Of the result nothing is left, so that no entry is held twice. It is
 * done in parts: nothing is planned before the last one, and a crash between two of them costs another look.
 */
export function writeDown(
  sync: Parts,
  { found, find }: Pick<ScanResult, 'found' | 'find'>,
  missing: readonly string[],
  { restless, watch }: Told,
): void {
  inParts(sync.state, changes(found, missing), ([path, entry]) => {
    if (entry) take(sync, path, entry, restless);
    else drop(sync, path, watch);
    sync.notices.replan(path);
    find(path, undefined);
  });
}

function* changes(found: ScanResult['found'], missing: readonly string[]): Generator<[string, LocalEntry | undefined]> {
  yield* found;
  for (const path of missing) yield [path, undefined];
}

function drop({ state }: Parts, path: string, watch: Told['watch']): void {
  if (state.trees.local.get(path)?.kind === 'directory') watch.forget(path);
  state.remove('local', path);
}

function take({ state }: Parts, path: string, entry: LocalEntry, restless: Told['restless']): void {
  const { local, synced } = state.trees;
  const known = local.get(path);
  if (known?.kind === 'file' && !sameContent(known, entry)) restless.took(path, known, entry);
  state.set('local', path, entry);
  // A save under another inode that changed nothing: renames are followed by the inode.
  const base = synced.get(path);
  if (base && base.identity !== entry.identity && same(entry, base)) {
    state.set('synced', path, { ...base, identity: entry.identity });
  }
}
