// The Lambda runtime inside a function's process: loads the handler from the bundle and runs one event at a time.
import { existsSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import tls from 'node:tls';
import { pathToFileURL } from 'node:url';
import type { FromInstance, Invocation, ToInstance } from './messages.ts';

type Handler = (event: unknown, context: object) => unknown;

/** Lambda's limit for an answer, in bytes of its JSON: 6 MB in AWS' words, this in its error messages. */
const MAX_ANSWER = 6_291_556;

function send(message: FromInstance): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

function describe(error: unknown): string {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return JSON.stringify({ errorType: name, errorMessage: message, trace: (stack ?? '').split('\n') });
}

async function loadHandler(taskRoot: string, name: string): Promise<Handler> {
  const [file = '', ...exported] = name.split('.');
  const path = ['.mjs', '.js', '.cjs'].map((extension) => join(taskRoot, file + extension)).find(existsSync);
  if (!path) throw new Error(`Cannot find module '${file}'`);
  const module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const source = exported.join('.');
  const handler = module[source] ?? (module.default as Record<string, unknown> | undefined)?.[source];
  if (typeof handler !== 'function') throw new Error(`${name} is undefined or not exported`);
  return handler as Handler;
}

function contextOf({ requestId, functionArn, deadline }: Invocation): object {
  const name = process.env.AWS_LAMBDA_FUNCTION_NAME;
  return {
    awsRequestId: requestId,
    callbackWaitsForEmptyEventLoop: true,
    functionName: name,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: functionArn,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}

async function run(handler: Handler, invocation: Invocation): Promise<FromInstance> {
  process.env._X_AMZN_TRACE_ID = invocation.traceId;
  try {
    const result = await handler(JSON.parse(invocation.payload), contextOf(invocation));
    const payload = JSON.stringify(result) ?? 'null';
    const size = Buffer.byteLength(payload);
    if (size <= MAX_ANSWER) return { type: 'answer', payload };
    const errorMessage = `Response payload size (${size} bytes) exceeded maximum allowed payload size (${MAX_ANSWER} bytes).`;
    return { type: 'failure', payload: JSON.stringify({ errorType: 'Function.ResponseSizeTooLarge', errorMessage }) };
  } catch (error) {
    console.error(`${new Date().toISOString()}\t${invocation.requestId}\tERROR\tInvoke Error\t${describe(error)}`);
    return { type: 'failure', payload: describe(error) };
  }
}

// Not of Lambda's environment.
delete process.env.NODE_COMPILE_CACHE;

let handler: Handler | undefined;

process.on('disconnect', () => process.exit(0));
process.on('message', async (message: ToInstance) => {
  if (message.type === 'invoke') {
    if (handler) await send(await run(handler, message));
    return;
  }
  try {
    // AWS endpoints have publicly trusted certificates in the cloud, the local CA's here.
    tls.setDefaultCACertificates([...tls.getCACertificates('extra'), message.ca]);
    handler = await loadHandler(message.taskRoot, message.handler);
    await send({ type: 'ready' });
    // Instances are killed, so that what was compiled would be lost.
    flushCompileCache();
  } catch (error) {
    console.error(`${new Date().toISOString()}\tERROR\tUncaught Exception\t${describe(error)}`);
    await send({ type: 'init failure', payload: describe(error) });
    process.exit(1);
  }
});
