import fc from 'fast-check';
import { type Content, isLeaf } from '../../client/plan/tree.ts';
import { ancestors, isInside } from '../../protocol/path.ts';
import { directory, file, link, type Model } from './model.ts';

/** The side on which a user works: the disk here, or another device, of which the service tells. */
export type Side = 'local' | 'remote';

/** A change that a user makes on one of the two sides. */
export type Edit =
  | { readonly do: 'write'; readonly path: string; readonly content: string }
  | { readonly do: 'mkdir'; readonly path: string }
  | { readonly do: 'chmod'; readonly path: string; readonly mode: number }
  | { readonly do: 'delete'; readonly path: string }
  | { readonly do: 'move'; readonly path: string; readonly to: string };

const name = fc.constantFrom('a', 'b', 'c');
/** Of few names, so that edits meet. */
export const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'));
const content = fc.constantFrom('', 'red', 'green', 'blue', 'white', 'link');
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), path, content }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('chmod' as const), path, mode: fc.constantFrom(0o700, 0o755) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('move' as const), path, to: path }) },
);

/** Up to eight edits of a tree so small that they meet each other, and those of the other side. */
export const edits = fc.array(edit, { maxLength: 8 });

/**
 * Makes a user's edit in one tree of the model, as a file system would: it knows nothing of the other trees and decides
 * nothing, so it is no second planner. An edit that a file system would refuse (into a file, onto a directory, of what is
 * not there) leaves the tree as it is; missing directories above the path are made first. What each side remembers of
 * an edit is what the planner goes by: the disk keeps the inode of what is written over or renamed, the service gives
 * every edit a version, and what was renamed the path that this device knows it by.
 */
export function applyEdit(model: Model, side: Side, change: Edit): void {
  const here = model[side].get(change.path);
  switch (change.do) {
    case 'write':
      put(model, side, change.path, (change.content === 'link' ? link : file)(change.content));
      return;
    case 'mkdir':
      put(model, side, change.path, directory());
      return;
    case 'chmod':
      if (here && here.kind !== 'link') put(model, side, change.path, { ...contentOf(here), mode: change.mode });
      return;
    case 'delete':
      for (const at of below(model, side, change.path)) model[side].delete(at);
      return;
    case 'move':
      if (here) move(model, side, change.path, change.to);
  }
}

function put(model: Model, side: Side, at: string, entry: Content): void {
  const old = model[side].get(at);
  if ((old && old.kind !== entry.kind) || liesInFile(model, side, at)) return;
  makeParents(model, side, at);
  set(model, side, at, entry);
}

function move(model: Model, side: Side, from: string, to: string): void {
  if (model[side].has(to) || isInside(to, from) || liesInFile(model, side, to)) return;
  makeParents(model, side, to);
  for (const at of below(model, side, from)) {
    const target = to + at.slice(from.length);
    if (side === 'local') model.local.set(target, model.local.get(at)!);
    else {
      const entry = model.remote.get(at)!;
      // Of two renames in a row the second one says where this device has the file, too.
      const origin = model.synced.has(at) ? at : (entry.moved_from ?? at);
      model.remote.set(target, { ...entry, version: model.nextVersion(), moved_from: origin });
    }
    model[side].delete(at);
  }
}

function set(model: Model, side: Side, at: string, entry: Content): void {
  if (side === 'remote') model.remote.set(at, { ...entry, version: model.nextVersion() });
  else model.local.set(at, { ...entry, hint: '', identity: model.local.get(at)?.identity ?? model.nextIdentity() });
}

function makeParents(model: Model, side: Side, at: string): void {
  for (const above of ancestors(at)) if (!model[side].has(above)) set(model, side, above, directory());
}

function liesInFile(model: Model, side: Side, at: string): boolean {
  return ancestors(at).some((above) => isLeaf(model[side].get(above)));
}

/** A path and what is inside it, as far as it is there. */
function below(model: Model, side: Side, path: string): string[] {
  return [...model[side].keys()].filter((at) => at === path || isInside(at, path));
}

function contentOf({ kind, size, mode, mtime_ms, blocks }: Content): Content {
  return { kind, size, mode, mtime_ms, blocks };
}
