import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Chapter, Place, Step } from './chapter.ts';
import { writeFiles } from './content.ts';

const require = createRequire(import.meta.url);
const KIB = 1024;
const SAVED_BYTES = 2 * KIB;

function files(id: string, bytes: number): Step {
  return {
    id,
    what: ({ files: count }) => `${count.toLocaleString('en')} files of ${bytes / KIB} KiB`,
    prepare: ({ staging, sizes }) => writeFiles(join(staging, 'many'), sizes.files, bytes),
    change: ({ folder, staging }) => rename(join(staging, 'many'), join(folder, 'many')),
  };
}

const renamed: Step = {
  id: 'renamed',
  what: ({ files: count }) => `their folder renamed, ${count.toLocaleString('en')} files`,
  change: ({ folder }) => rename(join(folder, 'many'), join(folder, 'renamed')),
};

const deleted: Step = {
  id: 'deleted',
  what: ({ deleted: count }) => `${count.toLocaleString('en')} of them deleted`,
  async change({ folder, sizes }) {
    for (const path of filesBelow(join(folder, 'renamed')).slice(0, sizes.deleted)) {
      rmSync(join(folder, 'renamed', path));
    }
  },
};

const saved: Step = {
  id: 'saved',
  what: ({ saves }) => `one small file saved, median and worst of ${saves}`,
  times: ({ saves }) => saves,
  change: ({ folder }) => writeFile(join(folder, 'note.txt'), randomBytes(SAVED_BYTES).toString('base64')),
};

/** Two releases of a package, as it is published: its sources, and what was built of them. */
const releases = {
  before: () => dirname(require.resolve('zod-previous/package.json')),
  after: () => dirname(require.resolve('zod/package.json')),
};

const tree: Step = {
  id: 'tree',
  what: () => `a tree of ${filesBelow(releases.before()).length} sources`,
  prepare: async ({ staging }) => cpSync(releases.before(), join(staging, 'tree'), { recursive: true }),
  change: ({ folder, staging }) => rename(join(staging, 'tree'), join(folder, 'tree')),
};

const nextTree: Step = {
  id: 'next-tree',
  what: () => `a later release of it, ${differences().changed.length} files changed`,
  prepare: async ({ staging }) => cpSync(releases.after(), join(staging, 'next'), { recursive: true }),
  async change(place) {
    const { changed, gone } = differences();
    for (const path of changed) moveFile(place, path);
    for (const path of gone) await rm(join(place.folder, 'tree', path));
  },
};

function moveFile({ folder, staging }: Place, path: string): void {
  const target = join(folder, 'tree', path);
  mkdirSync(dirname(target), { recursive: true });
  renameSync(join(staging, 'next', path), target);
}

function differences(): { changed: string[]; gone: string[] } {
  const [before, after] = [releases.before(), releases.after()];
  const paths = filesBelow(after);
  const same = (path: string) =>
    existsSync(join(before, path)) && readFileSync(join(before, path)).equals(readFileSync(join(after, path)));
  const kept = new Set(paths);
  return {
    changed: paths.filter((path) => !same(path)),
    gone: filesBelow(before).filter((path) => !kept.has(path)),
  };
}

function filesBelow(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.filter((path) => lstatSync(join(folder, path)).isFile()).sort();
}

export const manyFiles: readonly Chapter[] = [
  { id: 'small', table: 'many files', steps: [files('files-2k', 2 * KIB), renamed, deleted] },
  { id: 'middling', table: 'many files', steps: [files('files-20k', 20 * KIB)] },
  { id: 'tree', table: 'many files', steps: [tree, nextTree] },
  { id: 'saved', table: 'many files', steps: [saved] },
];
