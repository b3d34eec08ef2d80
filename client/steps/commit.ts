import type { CommitResponse, CommitResult } from '../../protocol/commit.ts';
import type { Counted } from '../service/api.ts';
import { ServiceError } from '../service/errors.ts';
import { type Intent, type MovedItem, type OfferedItem, pathsOfIntent } from '../state/intent.ts';
import type { State } from '../state/state.ts';
import type { Sync } from './context.ts';
import { blockPlaces } from './folder-blocks.ts';
import { isFinal } from './refusals.ts';
import { type Committed, takeDeletion, takeMove, takeUpload } from './take-over.ts';
import { resultsOfFolder } from './whole-folder.ts';

export type CommitContext = Pick<Sync, 'api' | 'device' | 'state' | 'notices' | 'cursors' | 'failures' | 'report'>;

type Done = Extract<CommitResult, { version: number }>;
export type RefusedItem = Extract<CommitResult, { error: unknown }>;

const isDone = (result: CommitResult): result is Done => !('error' in result);
const isRefused = (result: CommitResult): result is RefusedItem => 'error' in result;

/** What is known of an upload when it is committed. */
interface Upload {
  /** Of request bodies that went before, for what is reported of it. */
  readonly bytes?: number;
  /** Bytes of content that this call carries, by the hash of the block. */
  readonly content?: ReadonlyMap<string, number>;
  /** Sends the call, where that is another than its repetition: under one id both do the same. */
  readonly send?: (intent: Intent) => Promise<Counted<CommitResponse>>;
}

/**
 * Sends a call that commits, and takes its answer over; answers what of it was refused. The call is written down first:
 * when no answer comes, or this process ends, `settleIntents` repeats it.
 *
 * @throws what the call threw; one that the service refused as a whole is forgotten
 */
export async function commit(
  sync: CommitContext,
  call: Intent,
  { bytes = 0, content, send = (intent) => repeated(sync, intent) }: Upload = {},
): Promise<RefusedItem[]> {
  const intent = { ...call, timeline: sync.state.timeline };
  sync.state.noteIntent(intent);
  return await sync.cursors.during(sync, async () => {
    try {
      const { body, sent } = await send(intent);
      const carried = [...(content?.values() ?? [])].reduce((sum, each) => sum + each, 0);
      sync.state.transaction(() => {
        take(sync, intent, body.results, { bytes: bytes + Math.max(0, sent - carried), content });
        sync.state.dropIntent(intent.id);
      });
      return body.results.filter(isRefused);
    } catch (error) {
      if (isRefusal(error)) sync.state.dropIntent(intent.id);
      throw error;
    }
  });
}

/**
 * Repeats the calls whose answers never came, each under its id: the service then does what it has not done, and answers
 * as it did. What it took is agreed on from then on, so that what the user did since goes on top of it. Answers the calls
 * of which something was refused: the service forgets its answers after some days, so that they may have been carried
 * out all the same, and only the changes tell. They are to be dropped when those were read.
 *
 * @throws what concerns the whole sync; a call that the service breaks at waits as a failure of its paths
 */
export async function settleIntents(sync: CommitContext): Promise<Intent[]> {
  const doubtful: Intent[] = [];
  for (const intent of sync.state.intents) {
    const paths = pathsOfIntent(intent);
    if (!paths.every((path) => sync.failures.mayTry(path))) continue;
    try {
      // The id of a call stands for its device, too.
      const isSettled = intent.device_id === sync.device.id && (await repeat(sync, intent));
      if (!isSettled) doubtful.push(intent);
      sync.notices.replan(...paths);
    } catch (error) {
      sync.failures.failEach(paths, error);
    }
  }
  return doubtful;
}

/** Repeats a call, and answers whether it was carried out whole. */
async function repeat(sync: CommitContext, intent: Intent): Promise<boolean> {
  try {
    const { body, sent } = await repeated(sync, intent);
    const isWhole = body.results.every(isDone);
    sync.state.transaction(() => {
      take(sync, intent, body.results, { bytes: sent });
      if (isWhole) sync.state.dropIntent(intent.id);
    });
    return isWhole;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (intent.call === 'finalize') sync.state.endUpload(intent.id);
    return false;
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof ServiceError && isFinal(error.code);
}

/** Paths of calls without an answer: what is at the service there is not known, so that nothing is done with them. */
export function pathsInDoubt(state: Pick<State, 'intents'>): Set<string> {
  return new Set(state.intents.flatMap(pathsOfIntent));
}

function repeated({ api }: Pick<Sync, 'api'>, intent: Intent): Promise<Counted<CommitResponse>> {
  const { id, device_id, timeline } = intent;
  if (intent.call === 'finalize') return api.finalize({ upload_id: id, device_id, timeline });
  if (intent.call === 'remove') return api.remove({ request_id: id, device_id, timeline, files: [...intent.files] });
  return move(api, intent);
}

/** A directory with all that is in it is one item of the call, and comes back as all of them. */
async function move(
  api: Sync['api'],
  { id: request_id, device_id, timeline, moves, folder }: Extract<Intent, { call: 'move' }>,
): Promise<Counted<CommitResponse>> {
  const items = folder ? [folder] : moves.map(({ from, to, base_version }) => ({ from, to, base_version }));
  const { body, sent } = await api.move({ request_id, device_id, timeline, moves: items });
  return { body: folder ? { results: resultsOfFolder(folder, moves, body.results) } : body, sent };
}

/** Takes over what the service has done. */
function take(
  sync: CommitContext,
  intent: Intent,
  results: readonly CommitResult[],
  told: { readonly bytes: number; readonly content?: Upload['content'] },
): void {
  const done = results.filter(isDone);
  if (intent.call === 'finalize') takeUploads(sync, intent, done, told);
  else if (intent.call === 'remove') takeDeletions(sync, done);
  else takeMoves(sync, intent.moves, done);
  sync.cursors.note(sync, results);
  if (intent.call === 'finalize') closeUpload(sync.state, intent.id, results.filter(isRefused));
}

function committed({ version, cursor }: Done, state: Pick<State, 'cursor'>): Committed {
  return { version, isRead: cursor <= state.cursor };
}

function takeUploads(
  sync: CommitContext,
  { id, items }: Extract<Intent, { call: 'finalize' }>,
  done: readonly Done[],
  { bytes, content = sync.state.sentBlocks(id) }: { readonly bytes: number; readonly content?: Upload['content'] },
): void {
  const { state, report } = sync;
  const byPath = new Map(items.map((item) => [item.path, item]));
  const contentOf = contentByPath(items, content);
  const share = Math.floor(bytes / done.length);
  let extra = bytes - share * done.length;
  for (const result of done) {
    const { path } = result;
    const item = byPath.get(path);
    if (!item) continue;
    takeUpload(state, state.trees, item, committed(result, state));
    const { kind, size } = item.local;
    if (kind === 'directory') report({ event: 'directory', side: 'remote', ...told(sync, result) });
    else {
      const own = contentOf.get(path) ?? 0;
      const sent = { content_bytes: own, body_bytes: own + share + extra };
      extra = 0;
      report({ event: 'uploaded', ...told(sync, result), file_bytes: size, ...sent });
    }
    sync.failures.succeed(path);
  }
}

/** Bytes of content that crossed the wire, by the path of the first file that has the block. */
function contentByPath(items: readonly OfferedItem[], sent: ReadonlyMap<string, number>): Map<string, number> {
  const contentOf = new Map<string, number>();
  const counted = new Set<string>();
  for (const { path, local } of items) {
    for (const hash of blockPlaces(path, local.blocks).keys()) {
      if (counted.has(hash)) continue;
      counted.add(hash);
      contentOf.set(path, (contentOf.get(path) ?? 0) + (sent.get(hash) ?? 0));
    }
  }
  return contentOf;
}

/** The upload stays while one of its files may still be finished: another one would reserve their space again. */
function closeUpload(state: State, id: string, refused: readonly RefusedItem[]): void {
  const codes = refused.map(({ error }) => error.code);
  if (codes.includes('blocks_missing')) state.forgetSent(id);
  else if (!codes.includes('unavailable')) state.endUpload(id);
}

function takeDeletions(sync: CommitContext, done: readonly Done[]): void {
  for (const result of done) {
    takeDeletion(sync.state, result.path, committed(result, sync.state));
    sync.report({ event: 'deleted', side: 'remote', ...told(sync, result) });
    sync.failures.succeed(result.path);
  }
}

function takeMoves(sync: CommitContext, moves: readonly MovedItem[], done: readonly Done[]): void {
  const byTarget = new Map(moves.map((move) => [move.to, move]));
  for (const result of done) {
    const move = byTarget.get(result.path);
    if (!move) continue;
    takeMove(sync.state, sync.state.trees, move, committed(result, sync.state));
    sync.report({ event: 'renamed', side: 'remote', from: move.from, ...told(sync, result) });
    sync.failures.succeed(move.from);
    sync.failures.succeed(move.to);
  }
}

/** What events say of a commit. */
function told({ notices }: Pick<Sync, 'notices'>, { path, version }: Done) {
  return { path, version, at: Date.now(), ...notices.noticedAt(path) };
}
