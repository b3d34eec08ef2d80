import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const tables = 'lambdas/shared/tables/';

/** These write tables of others: an operator's move copies whole schemas, and a migration notes itself. */
const exceptions = [/^lambdas\/admin\/move-shard\//, /^lambdas\/shared\/migrations\//];

/** Tables with another number of writers than one: a block comes and is counted in one file, goes in another, and is kept as a pack in a third. */
const writers: Record<string, string[]> = {
  blocks: [`${tables}blocks.ts`, `${tables}packs.ts`, `${tables}unused-blocks.ts`],
  // Its one row is written by the migration, and only locked from then on.
  relay_turn: [],
};

function found(files: string, pattern: RegExp): { file: string; name: string }[] {
  return globSync(files, { cwd: root }).flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(pattern)].map(([, name]) => ({ file, name: name! })),
  );
}

const made = found('migrations/**/*.sql', /\bcreate table \{\{schema\}\}\.(\w+)/g).map(({ name }) => name);
const writes = found(
  'lambdas/**/*.ts',
  /\b(?:insert into|update|delete from) (?:\$\{(?:\w+\.)*schema\}|blocks)\.(\w+)/g,
).filter(({ file }) => !exceptions.some((exception) => exception.test(file)));

test.each(made)('%s is written by its own module alone', (table) => {
  const files = [...new Set(writes.filter(({ name }) => name === table).map(({ file }) => file))].sort();
  expect(files).toEqual(writers[table] ?? [expect.stringContaining(tables)]);
});

test('nothing else is written', () => {
  expect(writes.map(({ name }) => name).filter((name) => !made.includes(name))).toEqual([]);
});
