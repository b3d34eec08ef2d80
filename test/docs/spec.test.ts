import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** `dedup: a block that …` in the specification: the test file's name without its ending, and the test's. */
const citations = [...read('docs/sync-spec.md').matchAll(/`([\w/-]+): ([^`]+)`/g)].map(([, file, name]) => ({
  file: file!,
  name: name!,
}));

test('every test that the specification names exists', () => {
  const files = globSync('test/**/*.test.ts', { cwd: root });
  const missing = citations.filter(({ file, name }) => {
    const path = files.find((candidate) => candidate.endsWith(`${file}.test.ts`));
    return path === undefined || !["'", '"', '`'].some((quote) => read(path).includes(quote + name + quote));
  });
  expect(missing).toEqual([]);
  expect(citations.length).toBeGreaterThan(20);
});

test('every invariant of the specification has a test', () => {
  const invariants = read('docs/sync-spec.md').match(/^\| \*\*I\d+\*\*.*$/gm) ?? [];
  expect(invariants.filter((row) => !/`[\w/-]+: [^`]+`/.test(row))).toEqual([]);
});

test('invariants are numbered from 1 in the order of the table', () => {
  const numbers = [...read('docs/sync-spec.md').matchAll(/^\| \*\*I(\d+)\*\*/gm)].map(([, number]) => Number(number));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  expect(numbers.length).toBeGreaterThan(40);
});
