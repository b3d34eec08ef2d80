import type { Operation, Step } from '../plan/operation.ts';
import { syncedEntry } from '../plan/tree.ts';
import { batches, moveBatches } from '../steps/batches.ts';
import type { Sync } from '../steps/context.ts';
import { download } from '../steps/download.ts';
import { deleteLocal, moveLocal, setAside, setMode } from '../steps/local.ts';
import { deleteRemote, moveRemote } from '../steps/remote.ts';
import { SpellingCheck } from '../steps/spelling-check.ts';
import { upload } from '../steps/upload.ts';

/**
 * Carries out a plan, in its order; uploads and downloads run side by side. Ends early when `interrupted` says so:
 * what is left is planned anew. Returns how many files were deleted.
 */
export async function execute(sync: Sync, plan: readonly Operation[], interrupted: () => boolean): Promise<number> {
  const spelling = new SpellingCheck(sync);
  const steps: Steps = <Kind extends Operation['do']>(kind: Kind) =>
    plan.filter((operation): operation is Step<Kind> => operation.do === kind && spelling.isClear(operation));

  sync.state.transaction(() => {
    for (const { path } of steps('adopt')) adopt(sync, path);
    for (const { path } of steps('forget')) forget(sync, path);
  });
  await spelling.admit(spelling.contested(plan));
  await rename(sync, steps, spelling);

  let deletions = 0;
  const counted = async (paths: readonly string[], work: () => Promise<void>): Promise<void> => {
    const files = paths.filter((path) => sync.state.trees.synced.get(path)?.kind === 'file');
    await work();
    deletions += files.filter((path) => !sync.state.trees.synced.has(path)).length;
  };
  const removeHere = async (removals: readonly Step<'deleteLocal'>[]): Promise<void> => {
    for (const removal of removals) {
      if (interrupted()) return;
      const { path } = removal;
      if ((await spelling.admit([removal])).length === 0) continue;
      await counted([path], () => sync.failures.attempt([path], () => deleteLocal(sync, path)));
    }
  };
  const removeThere = async (removals: readonly Step<'deleteRemote'>[]): Promise<void> => {
    for (const batch of batches(sync, removals)) {
      if (interrupted()) return;
      await counted(
        batch.map(({ path }) => path),
        () => deleteRemote(sync, batch),
      );
    }
  };
  const inward = async (): Promise<void> => {
    await removeHere(steps('deleteLocal').filter(makesRoom));
    for (const batch of batches(sync, steps('download').filter(follows))) {
      if (interrupted()) return;
      const admitted = await spelling.admit(batch);
      await download(
        sync,
        admitted.map(({ path }) => path),
      );
    }
    await removeHere(steps('deleteLocal').filter(follows));
  };
  const outward = async (): Promise<void> => {
    await removeThere(steps('deleteRemote').filter(makesRoom));
    for (const batch of batches(sync, steps('upload').filter(follows))) {
      if (interrupted()) return;
      await upload(sync, batch);
    }
    await removeThere(steps('deleteRemote').filter(follows));
  };
  const outcomes = await Promise.allSettled([inward(), outward()]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return deletions;
}

type Steps = <Kind extends Operation['do']>(kind: Kind) => Step<Kind>[];

const makesRoom = (step: { readonly makesRoom?: true }): boolean => step.makesRoom === true;
const follows = (step: { readonly makesRoom?: true }): boolean => !step.makesRoom;

/** What changes names, on both sides, and the directories that have to be there for it. */
async function rename(sync: Sync, steps: Steps, spelling: SpellingCheck): Promise<void> {
  for (const batch of batches(sync, steps('upload').filter(makesRoom))) await upload(sync, batch);
  for (const batch of moveBatches(sync, steps('moveRemote'))) await moveRemote(sync, batch);
  const directories = await spelling.admit(steps('download').filter(makesRoom));
  await download(
    sync,
    directories.map(({ path }) => path),
  );
  for (const { from, to } of await spelling.admit(steps('moveLocal'))) {
    await sync.failures.attempt([from, to], () => moveLocal(sync, from, to));
  }
  for (const { path, to } of await spelling.admit(steps('setAside'))) {
    await sync.failures.attempt([path, to], () => setAside(sync, path, to));
  }
  for (const { path, mode } of steps('setMode')) await sync.failures.attempt([path], () => setMode(sync, path, mode));
}

function adopt(sync: Sync, path: string): void {
  const [local, remote] = [sync.state.trees.local.get(path), sync.state.trees.remote.get(path)];
  if (local && remote) sync.state.set('synced', path, syncedEntry(remote, local));
  sync.failures.succeed(path);
}

function forget(sync: Sync, path: string): void {
  sync.state.remove('synced', path);
  sync.tombstones.delete(path);
  sync.failures.succeed(path);
}
