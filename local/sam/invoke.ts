import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import { type RunningFunction, readRunning } from '../kept/running.ts';
import { functionArn } from '../lambda/definition.ts';
import { startInstance } from '../lambda/instance.ts';

type Print = (line: string) => void;

export interface Invocation {
  /** The function by the name of its folder under lambdas/. */
  readonly folder: string;
  /** JSON file. */
  readonly event: string;
  /** Data folder of the running cloud. */
  readonly data: string;
}

/** The running function of a folder. Throws with the names of all when there is none. */
function functionOf(functions: readonly RunningFunction[], folder: string): RunningFunction {
  const name = folder.replace(/(?:^|-)([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const found = functions.find((one) => one.definition.name === name);
  // Of a construct that is there twice, such as a signing key, the first will do.
  const inside = found ?? functions.find((one) => one.definition.name.endsWith(name));
  if (inside) return inside;
  const names = functions.map(({ definition }) => definition.name).join(', ');
  throw new LocalError('NoSuchFunction', `no function of the folder ${folder} runs; there are ${names}`);
}

/** Runs a function once with an event against the services of the running cloud; answers its exit code. */
export async function invoke({ folder, event, data }: Invocation, print: Print): Promise<number> {
  const { functions, ca } = await readRunning(data);
  const fn = functionOf(functions, folder);
  const response = await awaitResponse(JSON.parse(await readFile(event, 'utf8')), print);
  try {
    return await invokeHere(fn, response.event, ca, print);
  } finally {
    response.stop();
  }
}

/** In a process like those of the local cloud. */
async function invokeHere(
  { definition, environment }: RunningFunction,
  event: unknown,
  ca: string,
  print: Print,
): Promise<number> {
  const instance = await startInstance(definition, environment, ca, (line) => console.error(line));
  try {
    const requestId = randomUUID();
    const { payload, failed } = await instance.run({
      requestId,
      functionArn: functionArn(definition.name),
      traceId: `Root=1-${requestId.slice(0, 8)}-${requestId.replaceAll('-', '').slice(8)}`,
      payload: JSON.stringify(event),
    });
    print(payload);
    return failed ? 1 : 0;
  } finally {
    await instance.stop();
  }
}

/** Stands in for CloudFormation where the event is a custom resource's: prints what the function answers to it. */
async function awaitResponse(event: unknown, print: Print): Promise<{ event: unknown; stop(): void }> {
  if (!isObject(event) || event.ResponseURL === undefined) return { event, stop: () => {} };
  const server = createServer(async (request, response) => {
    print(`to CloudFormation: ${await text(request)}`);
    response.end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ResponseURL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { event: { ...event, ResponseURL }, stop: () => server.close() };
}
