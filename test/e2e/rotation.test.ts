import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { synthesize } from '../../local/demo/synthesize.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import { freePorts } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';
import type { User } from '../support/user.ts';

const content = Buffer.from('read through the CDN');

const data = await scratch('tidemark-rotated-');
const port = await freePorts(10);
const made = [await scratch('tidemark-rotation-'), await scratch('tidemark-rotation-')] as const;
/** One for each step; the first is the app as it is. */
const assemblies = [inject('assembly'), ...made];
/** Several syntheses and deployments in a row. */
const LONG_MS = 300_000;
let service: Service | undefined;

beforeAll(async () => {
  await synthesize(made[0], { profile: 'team', signingKeys: 'B,A' });
  await synthesize(made[1], { profile: 'team', signingKeys: 'B,C' });
}, LONG_MS);
afterAll(async () => {
  await service?.stop();
  for (const folder of [data, ...made]) await rm(folder, { recursive: true, force: true });
});

/** Deploys a step over the one before. */
async function deploy(step: number): Promise<Service> {
  await service?.stop();
  service = undefined;
  service = await startService(assemblies[step], { data, port });
  return service;
}

async function signedUrl(user: User): Promise<string> {
  const request = { device_id: user.device, files: [{ path: 'file.txt' }] };
  const { body } = await user.call<DownloadResponse>('POST', '/download', request);
  return Object.values(body.urls)[0]!;
}

const keyOf = (url: string): string | null => new URL(url).searchParams.get('Key-Pair-Id');
const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

test('two deployments replace the key that signs, and no URL that is still valid breaks', {
  timeout: LONG_MS,
}, async () => {
  const user = await (await deploy(0)).signUp();
  await user.save('file.txt', content);
  const byA = await signedUrl(user);
  expect(await statusOf(byA)).toBe(200);

  await deploy(1);
  const byB = await signedUrl(user);
  expect(keyOf(byB)).not.toBe(keyOf(byA));
  expect([await statusOf(byA), await statusOf(byB)]).toEqual([200, 200]);

  await deploy(2);
  const afterwards = await signedUrl(user);
  expect(keyOf(afterwards)).toBe(keyOf(byB));
  expect([await statusOf(byB), await statusOf(afterwards)]).toEqual([200, 200]);
  // The key that went is trusted no longer; by now all its URLs have expired.
  expect(await statusOf(byA)).toBe(403);
});

test.each([
  [0, 1],
  [1, 2],
])('step %i to %i takes back no export that the stacks not yet updated import', async (before, after) => {
  const imported = JSON.stringify(await template(before, 'TidemarkApi')).matchAll(
    /"Fn::ImportValue":"(TidemarkBlocks:[^"]+)"/g,
  );
  const { Outputs } = await template(after, 'TidemarkBlocks');
  const exported = Object.values(Outputs).map(({ Export }) => Export?.Name);
  const names = [...imported].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(0);
  expect(exported).toEqual(expect.arrayContaining(names));
});

async function template(
  step: number,
  stack: string,
): Promise<{ Outputs: Record<string, { Export?: { Name: string } }> }> {
  return JSON.parse(await readFile(join(assemblies[step]!, `${stack}.template.json`), 'utf8'));
}
