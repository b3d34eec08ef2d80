import { parentOf } from '../../protocol/path.ts';
import { batched } from '../common/batched.ts';
import { discard } from '../common/replace-file.ts';
import type { Operation, Step } from '../plan/operation.ts';
import { isLeaf, same } from '../plan/tree.ts';
import { adopt } from '../steps/adopt.ts';
import { batches, deleteBatches, moveBatches } from '../steps/batches.ts';
import type { Sync } from '../steps/context.ts';
import { deleteLocal } from '../steps/delete-local.ts';
import { makeWay } from '../steps/directories.ts';
import { downloadEntries, lacksContent, placeFiles } from '../steps/download.ts';
import { moveLocal, setAside, setMode } from '../steps/local.ts';
import { deleteRemote, moveRemote } from '../steps/remote.ts';
import { saveSmall } from '../steps/save.ts';
import { SpellingCheck } from '../steps/spelling-check.ts';
import { commitUpload, sendContent } from '../steps/upload.ts';
import type { TransferStep } from './transfer.ts';
import type { Transfers } from './transfers.ts';

/** Files that are put in place, or deleted, together: what was done by then shows, and is agreed on in one transaction. */
const TOGETHER = 256;

/** What carries a plan out: what is on its way, and whether news cuts it off. */
export interface Execution {
  readonly transfers: Pick<Transfers, 'start' | 'fetched' | 'sent' | 'direct' | 'holds'>;
  readonly interrupted: () => boolean;
}

type Steps = { readonly [Kind in Operation['do']]: () => Step<Kind>[] };

/**
 * Carries out a plan, in its order; what goes up and what comes down side by side. Content is handed to the transfers,
 * and what has arrived there is put in place or committed. Ends early when `interrupted` says so: what is left is
 * planned anew. Returns how many files were deleted.
 */
export async function execute(
  sync: Sync,
  plan: readonly Operation[],
  { transfers, interrupted }: Execution,
): Promise<number> {
  const spelling = new SpellingCheck(sync);
  const steps = stepsOf(plan, spelling);
  sync.state.transaction(() => {
    for (const { path } of steps.adopt()) adopt(sync, path);
    for (const { path } of steps.forget()) forget(sync, path);
  });
  await spelling.admit(spelling.contested(plan));
  await rename(sync, steps, spelling, transfers);

  let deletions = 0;
  const counted = async (paths: readonly string[], work: () => Promise<void>): Promise<void> => {
    const files = paths.filter((path) => isLeaf(sync.state.trees.synced.get(path)));
    await work();
    deletions += files.filter((path) => !sync.state.trees.synced.has(path)).length;
  };
  const removeHere = async (removals: readonly Step<'deleteLocal'>[]): Promise<void> => {
    for (const group of batched(removals, { most: TOGETHER })) {
      if (interrupted()) return;
      const paths = (await spelling.admit(group)).map(({ path }) => path);
      await counted(paths, () => deleteLocal(sync, paths));
    }
  };
  const removeThere = async (removals: readonly Step<'deleteRemote'>[]): Promise<void> => {
    for (const batch of deleteBatches(removals)) {
      if (interrupted()) return;
      await counted(
        batch.map(({ path }) => path),
        () => deleteRemote(sync, batch),
      );
    }
  };
  const inward = async (): Promise<void> => {
    await removeHere(steps.deleteLocal().filter(makesRoom));
    await receive(sync, steps.download().filter(follows), spelling, { transfers, interrupted });
    await removeHere(steps.deleteLocal().filter(follows));
  };
  const outward = async (): Promise<void> => {
    await removeThere(steps.deleteRemote().filter(makesRoom));
    await send(sync, steps.upload().filter(follows), { transfers, interrupted });
    await removeThere(steps.deleteRemote().filter(follows));
  };
  const outcomes = await Promise.allSettled([inward(), outward()]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return deletions;
}

/** For each kind of operation those of a plan that are clear when asked for: a new kind has to be named here, too. */
function stepsOf(plan: readonly Operation[], spelling: SpellingCheck): Steps {
  const of =
    <Kind extends Operation['do']>(kind: Kind) =>
    (): Step<Kind>[] =>
      plan.filter((operation): operation is Step<Kind> => operation.do === kind && spelling.isClear(operation));
  return {
    adopt: of('adopt'),
    forget: of('forget'),
    moveRemote: of('moveRemote'),
    moveLocal: of('moveLocal'),
    setAside: of('setAside'),
    setMode: of('setMode'),
    download: of('download'),
    deleteLocal: of('deleteLocal'),
    upload: of('upload'),
    deleteRemote: of('deleteRemote'),
  };
}

const makesRoom = (step: { readonly makesRoom?: true }): boolean => step.makesRoom === true;
const follows = (step: { readonly makesRoom?: true }): boolean => !step.makesRoom;

/** What changes names, on both sides, and the directories that have to be there for it. */
async function rename(
  sync: Sync,
  steps: Steps,
  spelling: SpellingCheck,
  { direct }: Pick<Transfers, 'direct'>,
): Promise<void> {
  for (const batch of batches(sync, steps.upload().filter(makesRoom))) {
    const paths = batch.map(({ path }) => path);
    await sync.failures.attempt(paths, async () => {
      const sent = await sendContent(sync, batch, direct);
      if (sent) await commitUpload(sync, sent);
    });
  }
  for (const batch of moveBatches(sync, steps.moveRemote())) await moveRemote(sync, batch);
  const directories = await spelling.admit(steps.download().filter(makesRoom));
  await downloadEntries(
    sync,
    directories.map(({ path }) => path),
  );
  for (const { from, to } of await spelling.admit(steps.moveLocal())) {
    await sync.failures.attempt([from, to], () => moveLocal(sync, from, to));
  }
  for (const { path, to } of await spelling.admit(steps.setAside())) {
    await sync.failures.attempt([path, to], () => setAside(sync, path, to));
  }
  for (const { path, mode } of steps.setMode()) await sync.failures.attempt([path], () => setMode(sync, path, mode));
}

/** Makes directories, gives permissions, begins to fetch content, and puts in place what was fetched. */
async function receive(
  sync: Sync,
  downloads: readonly Step<'download'>[],
  spelling: SpellingCheck,
  { transfers, interrupted }: Execution,
): Promise<void> {
  for (const batch of batches(sync, downloads)) {
    if (interrupted()) return;
    const admitted = await spelling.admit(batch);
    await downloadEntries(
      sync,
      admitted.map(({ path }) => path),
    );
    const begun: Step<'download'>[] = [];
    const made = new Set<string>();
    for (const step of admitted.filter(({ path }) => lacksContent(sync, path))) {
      await sync.failures.attempt([step.path], async () => {
        const directory = parentOf(step.path);
        if (!made.has(directory)) await makeWay(sync, step.path);
        made.add(directory);
        begun.push(step);
      });
    }
    transfers.start(begun);
  }
  const arrived = transfers.fetched;
  const clear = new Set(await spelling.admit(arrived.flatMap(({ steps }) => steps)));
  for (const group of batched(arrived, { most: TOGETHER })) {
    const { wanted = [], stale = [] } = Object.groupBy(group, ({ steps }) =>
      steps.every((step) => clear.has(step)) ? 'wanted' : 'stale',
    );
    try {
      for (const { what } of stale) await discard(what.beside.temporary);
      await placeFiles(
        sync,
        wanted.map(({ what }) => what),
      );
    } finally {
      for (const { steps, done } of group) {
        done();
        replanUnlessAgreed(sync, steps);
      }
    }
  }
}

/** Saves what is small, each call with its content, sends the rest beside that, and commits what was sent. */
async function send(
  sync: Sync,
  uploads: readonly Step<'upload'>[],
  { transfers, interrupted }: Execution,
): Promise<void> {
  const isOnItsWay = (path: string): boolean => transfers.holds(path);
  const begun = new Set<Step<'upload'>>();
  const begin = (steps: readonly Step<'upload'>[]): void => {
    transfers.start(steps);
    for (const step of steps) begun.add(step);
  };
  let isCommitting = false;
  const commitArrived = async (): Promise<void> => {
    if (isCommitting) return;
    isCommitting = true;
    await commitSent(sync, { transfers, interrupted }).finally(() => {
      isCommitting = false;
    });
  };
  await saveSmall(sync, uploads, { begin, sending: transfers.direct, isOnItsWay, between: commitArrived, interrupted });
  await commitArrived();
  replanUnlessAgreed(
    sync,
    uploads.filter((step) => !begun.has(step)),
  );
}

/** Commits what was sent; what is in a directory after the directory. */
async function commitSent(sync: Sync, { transfers, interrupted }: Execution): Promise<void> {
  for (let next = transfers.sent[0]; next && !interrupted(); next = transfers.sent[0]) {
    try {
      await commitUpload(sync, next.what);
    } finally {
      // Without an answer the call is repeated as it was written down, not from here.
      next.done();
      replanUnlessAgreed(sync, next.steps);
    }
  }
}

function replanUnlessAgreed({ state, notices }: Pick<Sync, 'state' | 'notices'>, steps: readonly TransferStep[]): void {
  const { local, synced } = state.trees;
  for (const { path } of steps) if (!same(local.get(path), synced.get(path))) notices.replan(path);
}

function forget(sync: Sync, path: string): void {
  sync.state.remove('synced', path);
  sync.tombstones.delete(path);
  sync.failures.succeed(path);
}
