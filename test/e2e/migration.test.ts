import { globSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, inject, test } from 'vitest';
import { changedAssembly } from '../support/assembly.ts';
import { freePorts } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';
import { User } from '../support/user.ts';

/** Several deployments in a row. */
const LONG_MS = 300_000;

const folders: string[] = [];
const data = await scratch('tidemark-migrated-');
/** The same for all releases: clients keep their address. */
const port = await freePorts(10);
folders.push(data);
let service: Service | undefined;

afterEach(async () => {
  await service?.stop();
  service = undefined;
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** The app of a release that brings one more migration for each shard. */
async function releaseWith(name: string, sql: string): Promise<string> {
  const assembly = await changedAssembly(inject('assembly'), ({ Resources }) => {
    const schemas = Object.values(Resources).filter(({ Type }) => Type === 'Custom::DatabaseSchema');
    for (const { Properties } of schemas) Properties.SqlHash = `with ${name}`;
    return schemas.length;
  });
  folders.push(assembly);
  for (const folder of globSync('asset.*/migrations/shard', { cwd: assembly })) {
    await writeFile(join(assembly, folder, name), sql);
  }
  return assembly;
}

/** Deploys a release over what is there. */
async function deploy(assembly: string): Promise<Service> {
  await service?.stop();
  service = undefined;
  service = await startService(assembly, { data, port });
  return service;
}

test('a migration that fails, fails the deployment with its reason, and the release before still serves', {
  timeout: LONG_MS,
}, async () => {
  const first = await deploy(inject('assembly'));
  const user = await first.signUp();
  await user.save('before.txt', Buffer.from('before'));

  const sql = `alter table {{schema}}.files add column fine int;\n\nalter table {{schema}}.no_such_table add column x int;`;
  const broken = deploy(await releaseWith('9000-broken.sql', sql));
  await expect(broken).rejects.toThrow(
    /Custom::DatabaseSchema .*9000-broken\.sql failed in shard_\d\d.*"shard_\d\d\.no_such_table" does not exist \(log stream/,
  );

  const restored = await deploy(inject('assembly'));
  const again = new User(restored.cloud.urls.api, user.token);
  const { body } = await again.call<{ changes: { entry: { path: string } }[] }>(
    'GET',
    `/changes?device_id=${user.device}&cursor=0`,
  );
  expect(body.changes.map(({ entry }) => entry.path)).toEqual(['before.txt']);
  // Nothing of the migration that failed is left, not even its first statement.
  const { rows } = await restored.database.query(`select 1 from information_schema.columns where column_name = 'fine'`);
  expect(rows).toEqual([]);
});

test('the release before runs on the schema of the next, as it does while CloudFormation rolls back', {
  timeout: LONG_MS,
}, async () => {
  const sql = `alter table {{schema}}.files add column next_release text not null default 'unknown';
    create table {{schema}}.next_release (id int primary key);`;
  await deploy(await releaseWith('9001-next.sql', sql));
  const before = await deploy(inject('assembly'));
  const { rows } = await before.database.query(`select 1 from pg_tables where tablename = 'next_release'`);
  expect(rows).toHaveLength(64);
  const user = await before.signUp();
  await expect(user.save('file.txt', Buffer.from('content'))).resolves.toMatchObject({ version: 1 });
});

test('CloudFormation migrates before it touches what runs SQL in other stacks', async () => {
  const { artifacts } = JSON.parse(await readFile(join(inject('assembly'), 'manifest.json'), 'utf8')) as {
    artifacts: Record<string, { dependencies?: string[] }>;
  };
  const before = (stack: string): string[] => {
    const direct = artifacts[stack]?.dependencies ?? [];
    return direct.flatMap((name) => [name, ...before(name)]);
  };
  for (const name of globSync('*.template.json', { cwd: inject('assembly') })) {
    const stack = name.replace('.template.json', '');
    if (stack === 'TidemarkMetadata') continue;
    const template = await readFile(join(inject('assembly'), name), 'utf8');
    if (template.includes('"DATABASE_NAME"')) expect(before(stack), stack).toContain('TidemarkMetadata');
  }
});
