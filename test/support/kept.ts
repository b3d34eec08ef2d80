import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * The folder that `make` fills, kept from run to run under `digest`. When another of its kind is made, those go that are
 * older than a day.
 * @param made called when it had to be made
 */
export async function kept(
  kind: string,
  digest: string,
  make: (unfinished: string) => Promise<void>,
  made: () => Promise<void> = async () => {},
): Promise<string> {
  const all = join(root, '.tidemark', kind);
  const folder = join(all, digest);
  if (await isThere(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(all, { recursive: true });
  const before = await readdir(all);
  await make(unfinished);
  await rename(unfinished, folder).catch(async (error) => {
    // Another run was faster.
    if (!(await isThere(folder))) throw error;
    await rm(unfinished, { recursive: true, force: true });
  });
  await removeOld(all, before);
  await made();
  return folder;
}

/** Hex of SHA-256 over names and contents of everything below `names`, and over what else it depends on. */
export async function digestOf(names: readonly string[], more: string): Promise<string> {
  const hash = createHash('sha256').update(more);
  for (const name of names) {
    const isFolder = (await stat(join(root, name))).isDirectory();
    const below = isFolder ? await readdir(join(root, name), { recursive: true, withFileTypes: true }) : [];
    const inside = below.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    for (const file of isFolder ? inside.sort() : [join(root, name)])
      hash.update(`${file}\0`).update(await readFile(file));
  }
  return hash.digest('hex');
}

export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Removes what no run can be using any more. */
export async function removeOld(parent: string, names: readonly string[]): Promise<void> {
  const dayAgo = Date.now() - 24 * 3_600_000;
  for (const name of names) {
    const path = join(parent, name);
    const age = await stat(path).catch(() => undefined);
    if (age && age.mtimeMs < dayAgo) await rm(path, { recursive: true, force: true });
  }
}
