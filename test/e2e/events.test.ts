import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { cp, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { UploadInitResponse } from '../../protocol/upload-init.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';

const root = join(import.meta.dirname, '../..');
const main = join(root, 'local/sam/main.ts');
/** As `npm start -- --data` has it: the assembly beside the cloud's own folder. */
const data = await scratch('tidemark-events-');

let service: Service;

beforeAll(async () => {
  await cp(inject('assembly'), join(data, 'cdk.out'), { recursive: true });
  service = await startService(join(data, 'cdk.out'), { data: join(data, 'cloud') });
});
afterAll(async () => {
  await service.stop();
  await rm(data, { recursive: true, force: true });
});

/** Runs `npm run sam -- invoke FOLDER` and answers the function's own answer. */
async function invoke(folder: string): Promise<{ code: number; lines: string[]; error: string }> {
  const child = spawn(process.execPath, [main, 'invoke', folder, '--data', data], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number];
  return { code, lines: out.trim().split('\n'), error };
}

/** The events in an order in which one makes possible the next, and what each function answers. */
const story: [folder: string, answer: unknown][] = [
  ['service', { statusCode: 200 }],
  ['fallback', { statusCode: 404 }],
  ['devices', { statusCode: 200 }],
  ['ticket', { statusCode: 200 }],
  ['authorize', { principalId: 'nobody' }],
  ['connect', { statusCode: 200 }],
  ['socket-message', { statusCode: 200, body: '{"type":"pong","missed":0}' }],
  ['upload-init', { statusCode: 200 }],
  ['save', { statusCode: 200 }],
  ['prove', { statusCode: 200 }],
  ['delta-apply', { statusCode: 200 }],
  ['finalize', { statusCode: 200 }],
  ['changes', { statusCode: 200 }],
  ['tree', { statusCode: 200 }],
  ['history', { statusCode: 200 }],
  // A file cannot name a moment of the last 30 days for ever: this one is refused.
  ['compare', { statusCode: 400 }],
  ['download', { statusCode: 200 }],
  ['heal', { statusCode: 200, body: '{"hashes":[]}' }],
  ['admin', { shards: expect.any(Array) }],
  ['locate', { files: [expect.anything()], sign: [expect.anything()] }],
  ['move', { statusCode: 200 }],
  ['restore', { statusCode: 200 }],
  ['delete', { statusCode: 200 }],
  ['notify', null],
  ['disconnect', { statusCode: 200 }],
  ['hang-up', null],
  ['relay', null],
  ['gc', null],
  ['migrate', null],
  ['database-login', null],
  ['brokers', null],
  ['signing-key', null],
  ['empty-bucket', null],
  ['client-files', null],
];

test('every function has an event', () => {
  const folders = readdirSync(join(root, 'lambdas')).filter((name) => name !== 'shared');
  expect(readdirSync(join(root, 'test/events')).sort()).toEqual(folders.map((name) => `${name}.json`).sort());
  expect(story.map(([folder]) => folder).sort()).toEqual(folders.sort());
});

test('each event runs its function in the local runner, one after the other', { timeout: 180_000 }, async () => {
  for (const [folder, answer] of story) {
    const { code, lines, error } = await invoke(folder);
    expect({ folder, code, error, lines }).toMatchObject({ code: 0 });
    const given = JSON.parse(lines.at(-1)!);
    expect.soft({ folder, given }).toMatchObject({ given: answer });
    if (folder === 'upload-init') await sendBlock(given);
  }
});

/** What the event's file holds, to where upload-init said. */
async function sendBlock(answer: { body: string }): Promise<void> {
  const [block] = (JSON.parse(answer.body) as UploadInitResponse).send;
  if (block?.how !== 'put') throw new Error(`upload-init asks for ${block?.how}`);
  const { status } = await fetch(block.url, { method: 'PUT', headers: block.headers, body: 'Hello from an event\n' });
  expect(status).toBe(200);
}

test('the answer of a custom resource to CloudFormation is shown', async () => {
  const { lines } = await invoke('signing-key');
  const sent = lines.find((line) => line.startsWith('to CloudFormation: '))!;
  expect(JSON.parse(sent.slice('to CloudFormation: '.length))).toMatchObject({
    Status: 'SUCCESS',
    Data: { PublicKey: expect.stringContaining('BEGIN PUBLIC KEY') },
  });
});

test('without a running cloud, and for a function that does not exist, the command says what to do', async () => {
  expect((await invoke('no-such')).error).toMatch(/no function of the folder no-such runs; there are .*UploadInit/);
  const { stderr, stdout } = spawn(process.execPath, [main, 'invoke', 'service', '--data', '/nowhere']);
  stdout.resume();
  expect(await text(stderr)).toContain('start one with npm start in another shell');
});

test('the credentials in what a running cloud publishes are for its user only', async () => {
  const file = join(data, 'cloud', 'running.json');
  const { functions } = JSON.parse(await readFile(file, 'utf8')) as { functions: unknown[] };
  expect(functions.length).toBe(service.cloud.functions.length);
  const { mode } = await stat(file);
  expect(mode & 0o077).toBe(0);
});
