import { rm } from 'node:fs/promises';
import type { Ground } from './tool.ts';

interface Place extends Pick<Ground, 'folder'> {
  /** @default - none */
  readonly link?: Ground['link'];
  /** Aborted when all is to end before its time. @default - never */
  readonly outer?: AbortSignal;
  /** What becomes of the folder at the end. @default - it is removed */
  readonly leave?: (folder: string) => Promise<void>;
}

/**
 * Does something on a ground of its own; then stops what it started, and removes the folder or does with it what `leave` does.
 * @throws what the work fails with, or why the ground was given up
 */
export async function onGround<Result>(
  { folder, link, outer, leave = remove }: Place,
  work: (ground: Ground) => Promise<Result>,
): Promise<Result> {
  const undo = new AsyncDisposableStack();
  undo.defer(() => leave(folder));
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(outer ? [outer] : [])]);
  try {
    return await work({ folder, link, undo, signal, fail: (reason) => failure.abort(reason) });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    await undo.disposeAsync();
  }
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
