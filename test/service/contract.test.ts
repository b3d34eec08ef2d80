import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installTools, pythonIsThere, toolCommand } from '../support/python/tools.ts';
import { scratch } from '../support/scratch.ts';
import { certificates, database, shardOf, signUp, url } from './support/service.ts';

/** The first installation takes a minute. */
const LONG_MS = 300_000;
const python = join(import.meta.dirname, '../support/python');
const document = join(import.meta.dirname, '../../docs/openapi.json');

/** Longer runs: CONTRACT_RUNS=10 CONTRACT_SEED=7 npx vitest run test/service/contract.test.ts */
const runs = Number(process.env.CONTRACT_RUNS ?? 1);
const seed = Number(process.env.CONTRACT_SEED ?? 13);

/** Schemathesis keeps a folder of its own where it runs. */
const folder = await scratch('tidemark-contract-');
beforeAll(() => {
  if (pythonIsThere) installTools();
}, LONG_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Plays the document as a new user. Throws with all that Schemathesis found when an answer is not as it says. */
async function play(...options: string[]): Promise<Awaited<ReturnType<typeof signUp>>> {
  const user = await signUp();
  const config = ['--no-color', '--config-file', join(python, 'schemathesis.toml')];
  const target = ['run', document, '--url', url, '--tls-verify', certificates, '--seed', String(seed)];
  await promisify(execFile)(toolCommand('st'), [...config, ...target, ...options], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      PYTHONPATH: python,
      PYTHONDONTWRITEBYTECODE: '1',
      CONTRACT_TOKEN: user.token,
      CONTRACT_DEVICE: user.device,
    },
    maxBuffer: 64 * 1024 * 1024,
  }).catch(({ stdout, stderr }: { stdout: string; stderr: string }) => {
    throw new Error(`${stdout.slice(-20_000)}\n${stderr}`);
  });
  return user;
}

describe.runIf(pythonIsThere)('docs/openapi.json', () => {
  test('says what every route answers to good and bad calls', { timeout: LONG_MS * runs }, async () => {
    await play('--phases', 'coverage,fuzzing', '--max-examples', String(10 * runs));
  });

  test('says what calls answer that follow each other, up to commits', { timeout: LONG_MS * runs }, async () => {
    const calls = ['--phases', 'stateful', '--mode', 'positive', '--max-examples', String(40 * runs)];
    // Devices that are registered and revoked count, so that the same call does not answer the same again.
    const { schema, userId } = shardOf(await play(...calls, '--exclude-path-regex', 'devices'));
    const { rows } = await database.query(
      `select distinct change_type from ${schema}.file_versions where user_id = $1 order by change_type`,
      [userId],
    );
    expect(rows.map(({ change_type }) => change_type)).toEqual(expect.arrayContaining(['create', 'delete']));
  });
});
