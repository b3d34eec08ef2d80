import { type FileHandle, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type Placed, putInPlace } from '../../client/disk/put-in-place.ts';
import { type Target, writeBeside } from '../../client/disk/write-file.ts';
import { FilePool } from '../../codec/node/file-pool.ts';

/** An empty folder that goes away with the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-client-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes a file, and puts it in place of what is expected there. */
export async function replaceWith(
  target: Target & { readonly expected: string | undefined },
  fill: (file: FileHandle) => Promise<void>,
): Promise<Placed> {
  const [placed] = await putInPlace([{ ...(await writeBeside(target, fill, { pool: new FilePool() })), ...target }]);
  if (placed!.status === 'rejected') throw placed!.reason;
  return placed!.value;
}
