import { lstatSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Of each file below a folder: its size, and what changes whenever the file is written or replaced. */
export type Snapshot = ReadonlyMap<string, { readonly size: number; readonly state: string }>;

/** What the tools keep in the folders that they sync. */
const OWN_NAMES = /^(\.tidemark|\.stfolder|\.stversions|\.syncthing\.|~syncthing~|\.unison)|\.tidemark-tmp/;
/** A look takes at most one part in so many of the time, so that waiting does not slow down what is waited for. */
const REST = 15;
const SHORTEST_REST_MS = 3;
const COMPARED_BYTES = 1024 * 1024;

export function snapshot(folder: string): Snapshot {
  const files = namesBelow(folder).map((path) => {
    const { size, ino, mtimeMs, ctimeMs } = lstatSync(join(folder, path));
    return [path, { size, state: `${ino} ${mtimeMs} ${ctimeMs}` }] as const;
  });
  return new Map(files);
}

/** The files of `after` that are new or have changed. */
export function changedFiles(before: Snapshot, after: Snapshot): string[] {
  return [...after.keys()].filter((path) => after.get(path)!.state !== before.get(path)?.state);
}

/**
 * Waits until `folder` has the names and sizes of `expected`, and of the files that changed the content.
 * @param before `folder` before the change
 * @param original the folder that has all of it
 * @returns when that was, by `performance.now()`
 */
export async function untilHeld(
  folder: string,
  original: string,
  { expected, before, changed }: { expected: Snapshot; before: Snapshot; changed: readonly string[] },
  signal: AbortSignal,
): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const started = performance.now();
    const seems = seemsHeld(folder, expected, before, changed);
    const seen = performance.now();
    if (seems && (await sameContent(folder, original, changed))) return seen;
    await sleep(Math.max(SHORTEST_REST_MS, (seen - started) * REST));
  }
}

function seemsHeld(folder: string, expected: Snapshot, before: Snapshot, changed: readonly string[]): boolean {
  try {
    // One file is looked at by itself; many by their names before anything else.
    const single = changed.length === 1 && before.size === expected.size;
    const names = single ? [] : namesBelow(folder);
    if (!single && (names.length !== expected.size || names.some((name) => !expected.has(name)))) return false;
    return changed.every((path) => {
      const { size, ino, mtimeMs, ctimeMs } = lstatSync(join(folder, path));
      return size === expected.get(path)!.size && `${ino} ${mtimeMs} ${ctimeMs}` !== before.get(path)?.state;
    });
  } catch {
    // Something went away while it was looked at.
    return false;
  }
}

function namesBelow(folder: string, prefix = ''): string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const path = join(prefix, entry.name);
    if (OWN_NAMES.test(entry.name)) return [];
    return entry.isDirectory() ? namesBelow(folder, path) : [path];
  });
}

async function sameContent(folder: string, original: string, paths: readonly string[]): Promise<boolean> {
  const rooms = [Buffer.alloc(COMPARED_BYTES), Buffer.alloc(COMPARED_BYTES)];
  for (const path of paths) {
    if (!(await sameFile(join(folder, path), join(original, path), rooms))) return false;
  }
  return true;
}

async function sameFile(one: string, other: string, rooms: readonly Buffer[]): Promise<boolean> {
  const files = await Promise.all([open(one), open(other)]);
  try {
    for (;;) {
      const reads = await Promise.all(files.map((file, index) => file.read(rooms[index]!, 0, COMPARED_BYTES)));
      const [a, b] = reads.map(({ bytesRead, buffer }) => buffer.subarray(0, bytesRead));
      if (!a!.equals(b!)) return false;
      if (a!.length === 0) return true;
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}
