import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createQueue, readIfExists, syncFolder, writeAtomic } from '../../files.ts';

export interface Checksum {
  readonly algorithm: 'sha256' | 'crc32';
  /** Base64. */
  readonly value: string;
}

export interface ObjectVersion {
  readonly key: string;
  readonly versionId: string;
  /** Name of the content's file; absent for a delete marker. */
  readonly file?: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly contentType: string;
  /** The headers that came with it, signed or not, and go out with it: `content-encoding`, `expires`, … */
  readonly system?: Readonly<Record<string, string>>;
  /** The x-amz-meta-* headers that came with it. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly checksum?: Checksum;
  /** Milliseconds since 1970. */
  readonly time: number;
}

type Line = { readonly put: ObjectVersion } | { readonly remove: { readonly key: string; readonly versionId: string } };

export interface Journal {
  /** Versions by key, the newest last. */
  readonly versions: ReadonlyMap<string, readonly ObjectVersion[]>;
  /** The path of a content file. */
  path(file: string): string;
  /** A path for content that is still arriving; `put` moves it to its place. */
  temporary(file: string): string;
  /** Makes an object version visible, durably. */
  put(version: ObjectVersion): Promise<void>;
  remove(version: ObjectVersion): Promise<void>;
  close(): Promise<void>;
}

/** A last line without its newline was being written when the process died: its caller never got an answer. */
function parse(text: string): Line[] {
  const lines = text.split('\n');
  lines.pop();
  return lines.map((line) => JSON.parse(line) as Line);
}

function apply(versions: Map<string, ObjectVersion[]>, line: Line): void {
  if ('put' in line) {
    versions.set(line.put.key, [...(versions.get(line.put.key) ?? []), line.put]);
    return;
  }
  const { key, versionId } = line.remove;
  const left = (versions.get(key) ?? []).filter((version) => version.versionId !== versionId);
  if (left.length > 0) versions.set(key, left);
  else versions.delete(key);
}

/** The versions by key, the newest last, that a bucket's folder holds; a running cloud may add to them. */
export async function readJournal(folder: string): Promise<Map<string, ObjectVersion[]>> {
  const versions = new Map<string, ObjectVersion[]>();
  for (const line of parse((await readIfExists(join(folder, 'journal'))) ?? '')) apply(versions, line);
  return versions;
}

/** Content whose journal line was never written, or whose removal was cut short. */
async function sweep(folder: string, versions: ReadonlyMap<string, readonly ObjectVersion[]>): Promise<void> {
  const live = new Set([...versions.values()].flat().map((version) => version.file));
  const files = await readdir(folder);
  await Promise.all(files.filter((file) => !live.has(file)).map((file) => rm(join(folder, file))));
}

/**
 * Opens a bucket's folder: `journal` (one JSON line per change, fsynced before the change is answered), `objects/`
 * (one file per version) and `incoming/`. An object exists when its line does, so a kill at any moment leaves the
 * bucket as the last answered request left it.
 */
export async function openJournal(folder: string): Promise<Journal> {
  const objects = join(folder, 'objects');
  const incoming = join(folder, 'incoming');
  await rm(incoming, { recursive: true, force: true });
  await Promise.all([mkdir(objects, { recursive: true }), mkdir(incoming, { recursive: true })]);

  const versions = await readJournal(folder);
  const file = join(folder, 'journal');
  await sweep(objects, versions);
  // Rewriting at every start drops removed versions and a torn last line.
  const kept = [...versions.values()].flat().map((put) => `${JSON.stringify({ put })}\n`);
  await writeAtomic(file, kept.join(''));

  const journal: FileHandle = await open(file, 'a');
  const inTurn = createQueue();
  let length = (await journal.stat()).size;
  const record = (line: Line): Promise<void> =>
    inTurn(async () => {
      const text = Buffer.from(`${JSON.stringify(line)}\n`);
      try {
        await journal.appendFile(text);
        await journal.datasync();
      } catch (error) {
        // What a full disk left of the line would be glued to the next one.
        await journal.truncate(length);
        throw error;
      }
      length += text.length;
      apply(versions, line);
    });

  return {
    versions,
    path: (name) => join(objects, name),
    temporary: (name) => join(incoming, name),
    async put(version) {
      if (version.file) {
        await rename(join(incoming, version.file), join(objects, version.file));
        await syncFolder(objects);
      }
      await record({ put: version });
    },
    async remove(version) {
      await record({ remove: { key: version.key, versionId: version.versionId } });
      if (version.file) await rm(join(objects, version.file), { force: true });
    },
    close: () => inTurn(() => journal.close()),
  };
}
