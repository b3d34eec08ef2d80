import { randomUUID } from 'node:crypto';
import type { CommitResult } from '../../protocol/commit.ts';
import type { Difference } from '../../protocol/compare.ts';
import { limits } from '../../protocol/limits.ts';
import { batched } from '../common/batched.ts';
import type { Api } from '../service/api.ts';

/** All that differs at or below `path` (the whole folder for '') between now and a moment, ms since 1970; by path. */
export async function readDifferences(api: Api, deviceId: string, at: number, path: string): Promise<Difference[]> {
  const differences: Difference[] = [];
  for (let more = true; more; ) {
    const { body } = await api.compare(deviceId, at, path || undefined, differences.at(-1)?.path);
    differences.push(...body.differences);
    more = body.more;
  }
  return differences;
}

/** What has to leave before the old entry can come back: it was not there then, or it is of the other kind now. */
function isRemoved({ now, before }: Difference): boolean {
  return now !== undefined && now.kind !== before?.kind;
}

/**
 * Brings everything that differs back to what it was then, each entry by compare-and-swap on the version that was
 * compared: what somebody changed since then is refused with `stale_version` and stays. Returns what was refused.
 */
export async function rollBack(
  api: Api,
  deviceId: string,
  differences: readonly Difference[],
): Promise<Extract<CommitResult, { error: unknown }>[]> {
  const refused: Extract<CommitResult, { error: unknown }>[] = [];
  const note = (results: readonly CommitResult[]): void => {
    for (const result of results) if ('error' in result) refused.push(result);
  };
  // What is inside a directory goes before it, and comes back after it.
  const removed = differences.filter(isRemoved).reverse();
  for (const batch of batched(removed, { most: limits.filesPerCall })) {
    const files = batch.map(({ path, now }) => ({ path, base_version: now!.version }));
    note((await api.remove({ request_id: randomUUID(), device_id: deviceId, files })).body.results);
  }
  const returning = differences.filter(({ before }) => before !== undefined);
  for (const batch of batched(returning, { most: limits.filesPerCall })) {
    const files = batch.map((difference) => {
      const { path, now, before } = difference;
      const base_version = isRemoved(difference) ? 0 : (now?.version ?? 0);
      return { path, from: path, version: before!.version, base_version };
    });
    note((await api.restore({ request_id: randomUUID(), device_id: deviceId, files })).body.results);
  }
  return refused;
}
