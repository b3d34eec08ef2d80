import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { beforeAll, expect, test } from 'vitest';
import { ask, certificates, url } from './support/service.ts';

const main = join(import.meta.dirname, '../../smoke/main.ts');
const credentials = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };

beforeAll(() => ask('/users', credentials));

/** Runs the command as a person does. */
async function smoke(
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<{ code: number; out: string; error: string }> {
  const child = spawn(process.execPath, [main, '--user', credentials.username, '--ca', certificates, ...words], {
    env: { PATH: process.env.PATH, TIDEMARK_PASSWORD: credentials.password, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const closed = once(child, 'close');
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = (await closed) as [number];
  return { code, out, error };
}

test('the walk succeeds, proves what it can and names what remains to be looked at', async () => {
  const { code, out, error } = await smoke(['--url', url, '--json']);
  expect({ code, error, out }).toMatchObject({ code: 0, error: '' });
  const { results, checklist } = JSON.parse(out.trim().split('\n').at(-1)!);
  expect(results.map(({ step }: { step: string }) => step)).toEqual([
    'sign-in',
    'upload',
    'tampered upload',
    'notify',
    'delta',
    'download',
    'direct access',
    'restore',
    'delete',
    'revoke',
  ]);
  const verdicts = checklist.map(({ verdict }: { verdict: string }) => verdict);
  expect(new Set(verdicts)).toEqual(new Set(['proven', 'look']));
  expect(out).toContain('nothing of it is proven about an account');
});

test('a step that fails is named with its reason, and what depends on later steps stays open', async () => {
  const { code, out } = await smoke(['--url', url], { TIDEMARK_PASSWORD: 'Wrong-horse-1' });
  expect(code).toBe(1);
  expect(out).toMatch(/FAILED sign-in .*sign-in refused/);
  expect(out).toMatch(/failed Cognito signs users in/);
  expect(out).toMatch(/open {3}MSK accepts/);
});

test('--stack finds the address in the outputs of the stack', async () => {
  // CloudFormation's answer in its own XML: the local cloud is no CloudFormation.
  const answer = `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
    <DescribeStacksResult><Stacks><member>
      <StackName>TidemarkApi</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
      <CreationTime>2026-11-24T00:00:00Z</CreationTime>
      <Outputs><member><OutputKey>ApiUrl</OutputKey><OutputValue>${url}</OutputValue></member></Outputs>
    </member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;
  const asked: string[] = [];
  const cloudFormation = createServer(async (request, response) => {
    asked.push(await text(request));
    response.writeHead(200, { 'content-type': 'text/xml' }).end(answer);
  }).listen(0, '127.0.0.1');
  await once(cloudFormation, 'listening');
  const { port } = cloudFormation.address() as AddressInfo;
  const { code, out, error } = await smoke(['--stack', 'TidemarkApi'], {
    AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'example',
  });
  cloudFormation.close();
  expect({ code, error }).toEqual({ code: 0, error: '' });
  expect(asked[0]).toContain('StackName=TidemarkApi');
  expect(out).toContain(`smoke test of ${url}`);
});
