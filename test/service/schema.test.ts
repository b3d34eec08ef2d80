import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeSchema } from './support/schema-page.ts';
import { blocksMigrations, shardMigrations } from './support/scratch-database.ts';
import { database } from './support/service.ts';

const introduction = `# The tables

*Written by \`npm run schema\` from a database with all migrations; do not edit.* The files of \`migrations/\` say how it
came to be so, the modules of \`lambdas/shared/tables/\`, each named like its table, hold the statements. What has to be
true of the rows is in [sync-spec.md](sync-spec.md), the order of their locks in
[decisions/metadata.md](decisions/metadata.md). Older migrations call an upload a session.
`;

test('docs/schema.md shows the tables as they are after all migrations', async () => {
  const shard = await describeSchema(database, 'shard_00', shardMigrations);
  const blocks = await describeSchema(database, 'blocks', blocksMigrations);
  const page = [
    introduction,
    '## `shard_00` to `shard_63`: what belongs to a user\n',
    shard,
    '## `blocks`: what is stored, for all users\n',
    blocks,
  ].join('\n');
  await expect(page).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/schema.md'));
});
