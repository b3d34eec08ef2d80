import { expect } from 'vitest';
import { conflictPath } from '../../client/plan/conflict-name.ts';
import type { Operation } from '../../client/plan/operation.ts';
import { plan } from '../../client/plan/plan.ts';
import { type Content, isLeaf, same, sameContent } from '../../client/plan/tree.ts';
import { applyEdit, type Edit } from './edits.ts';
import { Model } from './model.ts';

/** For the planner: what a conflict copy is called, on a fixed day. */
export function options(model: Model, dirty?: Iterable<string>) {
  const taken = (candidate: string): boolean => model.local.has(candidate) || model.remote.has(candidate);
  return {
    ...(dirty ? { dirty } : {}),
    conflictPath: (at: string) => conflictPath(at, 'desk', new Date(2026, 0, 31), taken),
  };
}

/** Plans and applies until nothing is left to do. */
export function settle(model: Model): Operation[] {
  const all: Operation[] = [];
  for (let round = 0; round < 30; round++) {
    const operations = plan(model, options(model));
    if (operations.length === 0) return all;
    for (const operation of operations) model.apply(operation);
    all.push(...operations);
  }
  throw new Error(`still not settled after 30 plans: ${JSON.stringify(plan(model, options(model)))}`);
}

export function expectEqualSides(model: Model): void {
  expect([...model.local.keys()].sort()).toEqual([...model.remote.keys()].sort());
  expect([...model.synced.keys()].sort()).toEqual([...model.remote.keys()].sort());
  for (const [at, entry] of model.local) expect(same(entry, model.remote.get(at)), at).toBe(true);
}

/** Both sides changed at once, since they last agreed on `base`. */
export function perturbed(base: readonly Edit[], here: readonly Edit[], there: readonly Edit[]): Model {
  const model = new Model();
  for (const change of base) applyEdit(model, 'local', change);
  settle(model);
  for (const change of here) applyEdit(model, 'local', change);
  for (const change of there) applyEdit(model, 'remote', change);
  return model;
}

/** The contents of a tree's files, by the hash of their first block. */
export function contents(
  tree: ReadonlyMap<string, { kind: string; blocks: readonly { hash: string }[] }>,
): Set<string> {
  return new Set(
    [...tree.values()].filter(({ kind }) => kind !== 'directory').map(({ blocks }) => blocks[0]?.hash ?? ''),
  );
}

/** Content that one side wrote, of which the other side never knew: it must outlive the sync. */
export function written(model: Model, side: 'local' | 'remote'): Set<string> {
  const byIdentity = new Map([...model.synced.values()].map((entry) => [entry.identity, entry]));
  const fresh = new Map<string, Content>();
  for (const [at, entry] of model[side]) {
    const origin = 'identity' in entry ? byIdentity.get(entry.identity) : model.synced.get(entry.moved_from ?? at);
    const known = sameContent(entry, origin) || sameContent(entry, model.synced.get(at));
    if (isLeaf(entry) && !known) fresh.set(at, entry);
  }
  return contents(fresh);
}
