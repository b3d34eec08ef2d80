import { setAside } from './set-aside.ts';
import type { Ground } from './tool.ts';

interface Place extends Pick<Ground, 'folder'> {
  /** @default - none */
  readonly link?: Ground['link'];
  /** Aborted when all is to end before its time. @default - never */
  readonly outer?: AbortSignal;
}

/**
 * Does something on a ground of its own; then stops what it started, and empties the folder's files.
 * @throws what the work fails with, or why the ground was given up
 */
export async function onGround<Result>(
  { folder, link, outer }: Place,
  work: (ground: Ground) => Promise<Result>,
): Promise<Result> {
  const undo = new AsyncDisposableStack();
  undo.defer(() => setAside(folder));
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
