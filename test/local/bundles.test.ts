import { globSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, expect, inject, test } from 'vitest';

/** More takes long to load: the aim is a first answer in less than 1.5 times that of an empty handler. */
const MAX_BYTES = 600_000;
/** It decodes contents, stores packs and wakes the relay: the codec and two clients. */
const MAX_BYTES_OF_SAVE = 710_000;

/** The folder of a function, its bundle's size, and the packages of which the bundle holds code. */
interface Bundle {
  readonly folder: string;
  readonly bytes: number;
  readonly packages: readonly string[];
}

let bundles: Bundle[];

beforeAll(async () => {
  const files = globSync('asset.*/index.mjs', { cwd: inject('assembly') });
  bundles = await Promise.all(files.map((file) => readBundle(join(inject('assembly'), file))));
});

async function readBundle(file: string): Promise<Bundle> {
  const { sources } = JSON.parse(await readFile(`${file}.map`, 'utf8')) as { sources: string[] };
  const handler = sources.find((source) => basename(source) === 'handler.ts')!;
  const packages = sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []);
  return {
    folder: handler.split('/').at(-2)!,
    bytes: (await stat(file)).size,
    packages: [...new Set(packages)].sort(),
  };
}

/** The SDK's clients of each function, as its own code uses them. */
const clients: Record<string, string[]> = {
  admin: ['s3'],
  authorize: ['dynamodb'],
  brokers: ['kafka'],
  connect: ['apigatewaymanagementapi', 'dynamodb'],
  'database-login': ['rds-data'],
  delete: ['lambda'],
  'delta-apply': ['s3'],
  devices: ['lambda'],
  disconnect: ['dynamodb'],
  download: ['lambda', 'secrets-manager'],
  finalize: ['lambda', 's3'],
  gc: ['s3'],
  'hang-up': ['apigatewaymanagementapi', 'dynamodb'],
  heal: ['s3'],
  locate: ['s3'],
  move: ['lambda'],
  notify: ['apigatewaymanagementapi', 'dynamodb'],
  prove: ['s3'],
  restore: ['lambda'],
  save: ['lambda', 's3'],
  'client-files': ['s3'],
  'empty-bucket': ['s3'],
  'socket-message': ['apigatewaymanagementapi', 'dynamodb'],
  'signing-key': ['secrets-manager'],
  ticket: ['dynamodb'],
  'upload-init': ['s3'],
};

test('no bundle is too large', () => {
  const sizes = Object.fromEntries(bundles.map(({ folder, bytes }) => [folder, bytes]));
  expect(
    Object.entries(sizes).filter(([folder, bytes]) => bytes >= (folder === 'save' ? MAX_BYTES_OF_SAVE : MAX_BYTES)),
    'see CONTRIBUTING.md, "Bundles"',
  ).toEqual([]);
});

test('each bundle holds the clients that its function uses, and no others', () => {
  const held = bundles.map(({ folder, packages }) => {
    const names = packages.filter((name) => name.startsWith('@aws-sdk/client-'));
    return [folder, names.map((name) => name.replace('@aws-sdk/client-', ''))] as const;
  });
  const expected = bundles.map(({ folder }) => [folder, clients[folder] ?? []] as const);
  expect(Object.fromEntries(held)).toEqual(Object.fromEntries(expected));
  // The SDK's own clients for signing in, which a function never does.
  for (const { folder, packages } of bundles) expect(packages, folder).not.toContain('@aws-sdk/nested-clients');
});

test('no bundle holds the schema library’s translations', async () => {
  for (const file of globSync('asset.*/index.mjs.map', { cwd: inject('assembly') })) {
    const { sources } = JSON.parse(await readFile(join(inject('assembly'), file), 'utf8')) as { sources: string[] };
    const locales = sources.filter((source) => source.includes('zod/v4/locales/') && !source.endsWith('/en.js'));
    expect(locales, "write: import * as z from 'zod'").toEqual([]);
  }
});
