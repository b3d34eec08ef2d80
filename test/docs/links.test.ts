import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The folders of the repository that hold files of ours: `client/plan/plan.ts` in a text means a file there. */
const folders = globSync('*/', { cwd: root, exclude: ['node_modules', 'cdk.out', 'tidemark-data'] });
const documents = globSync(['*.md', '.github/**/*.md', ...folders.map((folder) => `${folder}/**/*.md`)], { cwd: root });
const sources = globSync(
  folders.map((folder) => `${folder}/**/*.{ts,sql}`),
  { cwd: root },
);

/** GitHub's anchor of a heading: its words in lower case, without punctuation. */
function anchorOf(heading: string): string {
  const words = heading.trim().toLowerCase();
  return words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-');
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function headingsOf(path: string): string[] {
  return [...withoutCode(read(path)).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading!);
}

/** Where the links of a document lead that leave it neither for the web nor by mail. */
function linksOf(path: string): string[] {
  const links = [...withoutCode(read(path)).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target]) => target!);
  return links.filter((target) => !/^\w+:/.test(target));
}

function leads(from: string, link: string): boolean {
  const [file, anchor] = link.split('#') as [string, string?];
  const target = file === '' ? from : normalize(join(dirname(from), file));
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || headingsOf(target).map(anchorOf).includes(anchor);
}

/** Paths in a document's `code`, with each choice of `{one,other}`; what holds a placeholder such as `<name>` is none. */
function pathsOf(text: string): string[] {
  const words = [...withoutCode(text).matchAll(/`([^`\n]+)`/g)].flatMap(([, code]) => code!.split(/\s+/));
  const paths = words.filter((word) => /^[\w.{},/-]+$/.test(word) && folders.includes(word.split('/')[0]!));
  return paths.filter((path) => path.includes('/')).flatMap(choices);
}

function choices(path: string): string[] {
  const [, before, names, after] = path.match(/^(.*?)\{(.*?)\}(.*)$/) ?? [];
  if (names === undefined) return [path];
  return names.split(',').flatMap((name) => choices(before + name + after));
}

/** A test may be named by the beginning of its file, as Vitest takes it. */
function isThere(path: string): boolean {
  return existsSync(join(root, path)) || globSync(`${path}*.test.ts`, { cwd: root }).length > 0;
}

describe.each(documents)('%s', (path) => {
  test('links to what is there', () => {
    expect(linksOf(path).filter((link) => !leads(path, link))).toEqual([]);
  });

  test('names files that are there', () => {
    expect(pathsOf(read(path)).filter((named) => !isThere(named))).toEqual([]);
  });
});

test('comments name documents that are there', () => {
  const named = sources.flatMap((path) =>
    [...read(path).matchAll(/\bdocs\/[\w/-]+\.(?:md|json)\b/g)].map(([at]) => at),
  );
  expect([...new Set(named)].filter((at) => !existsSync(join(root, at)))).toEqual([]);
  expect(named.length).toBeGreaterThan(3);
});

test('every decision has its date, and a line in the index that says the same', () => {
  const index = read('docs/decisions/README.md');
  const listed = [...index.matchAll(/^- (\S+) \[(.+)\]\((.+)\.md#(.+)\)$/gm)].map(([, ...parts]) => parts);
  const parts = ['deployment', 'local-cloud', 'metadata', 'client', 'codec', 'repository'];
  const decided = parts.flatMap((part) =>
    [...read(`docs/decisions/${part}.md`).matchAll(/^## (.+)\n\n(.*)$/gm)].map(([, heading, date]) => {
      return [date!.match(/^\*(\d{4}-\d\d-\d\d)\*$/)?.[1], heading!, part, anchorOf(heading!)];
    }),
  );
  expect(listed).toEqual(decided);
});
