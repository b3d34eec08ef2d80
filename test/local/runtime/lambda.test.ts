import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FunctionDefinition } from '../../../local/lambda/definition.ts';
import { createLambda, type LambdaService } from '../../../local/lambda/service.ts';
import { loadTls } from '../../../local/tls.ts';
import { scratch } from './sample-assembly.ts';

const SOURCE = `
let calls = 0;
export const handler = async (event, context) => {
  calls++;
  if (event.throw) throw new TypeError('no such thing');
  if (event.exit) process.exit(7);
  if (event.sleep) await new Promise((resolve) => setTimeout(resolve, event.sleep));
  if (event.big) return 'x'.repeat(event.big);
  if (event.log) console.log(JSON.stringify({ level: 'ERROR', message: event.log }));
  return { calls, pid: process.pid, env: process.env, remaining: context.getRemainingTimeInMillis(), context };
};`;

const lines: string[] = [];
let lambda: LambdaService;
let data: string;

async function define(name: string, more: Partial<FunctionDefinition> = {}, source = SOURCE): Promise<void> {
  const taskRoot = join(data, 'code', name);
  await mkdir(taskRoot, { recursive: true });
  await writeFile(join(taskRoot, 'index.mjs'), source);
  const roleArn = 'arn:aws:iam::000000000000:role/r';
  lambda.add({
    name,
    logicalId: `${name}Logical`,
    taskRoot,
    handler: 'index.handler',
    memoryMb: 256,
    timeoutSeconds: 5,
    reservedConcurrency: undefined,
    environment: { OWN: 'yes', NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' },
    logGroup: 'group',
    traced: false,
    principal: { name, roleArn, accessKeyId: 'ASIA1', secretAccessKey: 's', sessionToken: 't' },
    placement: undefined,
    ...more,
  });
}

async function invoke(name: string, event: object = {}) {
  const result = await lambda.invoke(name, Buffer.from(JSON.stringify(event)), 'RequestResponse');
  return { ...result, value: JSON.parse(result.payload.toString()) };
}

beforeAll(async () => {
  data = await scratch();
  const endpoints = () => ({ S3: 'https://127.0.0.1:1' });
  lambda = createLambda({
    data,
    endpoints,
    tls: await loadTls(data),
    authorize: () => {},
    log: (line) => lines.push(line),
  });
  await define('Plain');
});
afterAll(() => lambda.stop());

describe('an invocation', () => {
  test('runs with the template’s environment, the service’s variables and nothing of this process', async () => {
    process.env.LEAK = 'from the parent';
    const { value } = await invoke('Plain');
    expect(value.env).toMatchObject({
      OWN: 'yes',
      NODE_EXTRA_CA_CERTS: join(data, 'tls', 'ca.pem'),
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'ASIA1',
      AWS_LAMBDA_FUNCTION_NAME: 'Plain',
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '256',
      AWS_ENDPOINT_URL_S3: 'https://127.0.0.1:1',
      TZ: ':UTC',
      _HANDLER: 'index.handler',
    });
    expect(value.env._X_AMZN_TRACE_ID).toMatch(/^Root=1-/);
    expect(value.env).not.toHaveProperty('LEAK');
    for (const ours of ['HOME', 'NODE_COMPILE_CACHE']) expect(value.env).not.toHaveProperty(ours);
    expect(value.context).toMatchObject({
      functionName: 'Plain',
      memoryLimitInMB: '256',
      invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:Plain',
    });
    expect(value.remaining).toBeGreaterThan(3000);
    expect(lines).toContainEqual(expect.stringMatching(/^Plain: cold start \d+ ms$/));
  });

  test('finds the function by name, ARN and logical id', async () => {
    for (const name of ['Plain', 'arn:aws:lambda:us-east-1:000000000000:function:Plain', 'PlainLogical']) {
      expect((await invoke(name)).functionError).toBeUndefined();
    }
    await expect(invoke('Nobody')).rejects.toMatchObject({ code: 'ResourceNotFoundException', status: 404 });
  });

  test('reuses a warm instance; concurrent events get concurrent ones', async () => {
    const [first, second] = [await invoke('Plain'), await invoke('Plain')];
    expect(second.value.pid).toBe(first.value.pid);
    const both = await Promise.all([invoke('Plain', { sleep: 200 }), invoke('Plain', { sleep: 200 })]);
    expect(new Set(both.map(({ value }) => value.pid)).size).toBe(2);
  });

  test('answers a thrown error, a crash and a timeout as Lambda does, and recovers', async () => {
    const thrown = await invoke('Plain', { throw: true });
    expect(thrown.functionError).toBe('Unhandled');
    expect(thrown.value).toMatchObject({ errorType: 'TypeError', errorMessage: 'no such thing' });
    expect(thrown.value.trace[0]).toBe('TypeError: no such thing');
    expect((await invoke('Plain', { exit: true })).value).toMatchObject({
      errorType: 'Runtime.ExitError',
      errorMessage: expect.stringMatching(/^RequestId: .* Error: Runtime exited with error: exit status 7$/),
    });
    await define('Slow', { timeoutSeconds: 1 });
    const late = await invoke('Slow', { sleep: 60_000 });
    expect(late.functionError).toBe('Unhandled');
    expect(late.value.errorMessage).toMatch(/Task timed out after 1.00 seconds$/);
    expect((await invoke('Slow')).functionError).toBeUndefined();
    expect(lines).toContainEqual('Slow: Task timed out after 1.00 seconds');
  });

  test('a bundle that does not load answers its error', async () => {
    await define('Broken', {}, `import 'nothing-like-this'; export const handler = 1;`);
    const { functionError, value } = await invoke('Broken');
    expect(functionError).toBe('Unhandled');
    expect(value.errorMessage).toContain('nothing-like-this');
  });

  test('refuses payloads over 6 MB, and answers over 6 MB', async () => {
    const large = Buffer.alloc(6 * 1024 * 1024 + 1, ' ');
    const tooLarge = { code: 'RequestTooLargeException', status: 413 };
    await expect(lambda.invoke('Plain', large, 'RequestResponse')).rejects.toMatchObject(tooLarge);
    await expect(lambda.invoke('Plain', large.subarray(0, 1024 * 1024 + 1), 'Event')).rejects.toMatchObject(tooLarge);
    // The two quotes of its JSON count, too.
    expect((await invoke('Plain', { big: 6_291_554 })).value).toHaveLength(6_291_554);
    expect((await invoke('Plain', { big: 6_291_555 })).value.errorType).toBe('Function.ResponseSizeTooLarge');
  });

  test('logs go to the function’s file, errors to the cloud too', async () => {
    await invoke('Plain', { log: 'the database is gone' });
    await expect.poll(() => lines).toContainEqual('Plain: the database is gone');
    await expect.poll(() => readFile(join(data, 'logs', 'Plain.log'), 'utf8')).toContain('the database is gone');
  });
});

test('reserved concurrency throttles; queued events wait for their turn', async () => {
  await define('Narrow', { reservedConcurrency: 1 });
  const running = invoke('Narrow', { sleep: 300 });
  await sleep(50);
  await expect(invoke('Narrow')).rejects.toMatchObject({ code: 'TooManyRequestsException', status: 429 });
  await lambda.invoke('Narrow', Buffer.from('{}'), 'Event');
  await running;
  // The queued event takes the place that has just become free.
  await expect.poll(() => invoke('Narrow').catch(() => undefined)).toMatchObject({ value: { calls: 3 } });
});

test('an instance ends when its parent is killed', async () => {
  const parent = join(data, 'parent.ts');
  const { ca } = await loadTls(data);
  const instance = join(import.meta.dirname, '../../../local/lambda/instance.ts');
  await writeFile(
    parent,
    `import { startInstance } from ${JSON.stringify(instance)};
     const definition = { taskRoot: ${JSON.stringify(join(data, 'code', 'Plain'))}, handler: 'index.handler', memoryMb: 128, timeoutSeconds: 5 };
     const started = await startInstance(definition, {}, ${JSON.stringify(ca)}, () => {});
     const { payload } = await started.run({ requestId: '1', functionArn: '', traceId: '', payload: '{}' });
     process.send(JSON.parse(payload).pid);`,
  );
  const child = fork(parent);
  const [pid] = (await once(child, 'message')) as [number];
  child.kill('SIGKILL');
  const isAlive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  await expect.poll(isAlive).toBe(false);
});
