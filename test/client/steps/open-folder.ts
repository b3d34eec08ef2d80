import { lstat, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { compileIgnores } from '../../../client/disk/ignore.ts';
import { scan } from '../../../client/disk/scan.ts';
import { hintOf } from '../../../client/disk/stamps.ts';
import { type RemoteEntry, syncedEntry } from '../../../client/plan/tree.ts';
import type { Api } from '../../../client/service/api.ts';
import type { Sync } from '../../../client/steps/context.ts';
import { sha256, toHex } from '../../../codec/index.ts';
import type { CommitResult } from '../../../protocol/commit.ts';
import { temporaryFolder } from '../folder.ts';
import { openSync } from '../open-sync.ts';

export const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };

/** A folder on the disk with its state, to try single steps where something comes in between. */
export interface StepFolder {
  readonly sync: Sync;
  /** The absolute place of a path. */
  on(path: string): string;
  text(path: string): Promise<string>;
  /** Puts what the disk holds into the local tree. */
  look(): Promise<void>;
  /** Makes files that the disk and the service agree on, at version 1. */
  agreed(files: Record<string, string>): Promise<void>;
  hintAt(path: string): Promise<string>;
}

/** @param api what a service answers at that moment */
export async function openFolder(api: Partial<Api> = {}): Promise<StepFolder> {
  const sync = await openSync(await temporaryFolder(), api as Api, device);
  onTestFinished(() => sync.state.close());
  const { root, state, pool } = sync;
  const on = (path: string): string => join(root, path);
  const hintAt = async (path: string): Promise<string> => hintOf(await lstat(on(path), { bigint: true }));
  const look = async (): Promise<void> => {
    const ignores = compileIgnores('');
    const { found } = await scan([''], { root, folderId: state.folderId, pool, ignores, known: new Map() });
    for (const [path, entry] of found) {
      // As if it had been written long ago: a hint of a young file proves nothing.
      state.set('local', path, { ...entry, hint: entry.kind === 'file' ? await hintAt(path) : '' });
    }
  };
  const agreed = async (files: Record<string, string>): Promise<void> => {
    for (const [path, content] of Object.entries(files)) await writeFile(on(path), content);
    await look();
    for (const [path, content] of Object.entries(files)) {
      const remote = await remoteFile(content, 1);
      state.set('remote', path, remote);
      state.set('synced', path, syncedEntry(remote, state.trees.local.get(path)!));
    }
  };
  return { sync, on, text: (path) => readFile(on(path), 'utf8'), look, agreed, hintAt };
}

export async function blockOf(content: string): Promise<{ hash: string; size: number }> {
  return { hash: toHex(await sha256(Buffer.from(content))), size: content.length };
}

export async function remoteFile(content: string, version: number): Promise<RemoteEntry> {
  const blocks = content === '' ? [] : [await blockOf(content)];
  return { kind: 'file', size: content.length, mode: 0o644, mtime_ms: 1_700_000_000_000, version, blocks };
}

export function done(path: string, version: number, cursor: number): CommitResult {
  return { path, version, version_id: device.id, cursor };
}
