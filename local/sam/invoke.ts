import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import { type RunningFunction, readRunning } from '../kept/running.ts';
import { functionArn } from '../lambda/definition.ts';
import { startInstance } from '../lambda/instance.ts';
import { REGION } from '../types.ts';
import { samTemplate } from './template.ts';

type Print = (line: string) => void;

export interface Invocation {
  /** The function by the name of its folder under lambdas/. */
  readonly folder: string;
  /** JSON file. */
  readonly event: string;
  /** Data folder of the running cloud. */
  readonly data: string;
  /** Folder of the cloud assembly that it runs. */
  readonly assembly: string;
}

/** Whether `sam local invoke` would work here. */
export function hasSam(): boolean {
  const runs = (command: string, ...words: string[]): boolean =>
    spawnSync(command, words, { stdio: 'ignore' }).status === 0;
  return runs('sam', '--version') && runs('docker', 'info');
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
export async function invoke(
  { folder, event, data, assembly }: Invocation,
  withSam: boolean,
  print: Print,
): Promise<number> {
  const { functions, ca, caFile } = await readRunning(data);
  const fn = functionOf(functions, folder);
  const response = await awaitResponse(JSON.parse(await readFile(event, 'utf8')), print);
  try {
    return withSam
      ? await invokeInSam(fn, response.event, { assembly, caFile, folder: join(data, 'sam') })
      : await invokeHere(fn, response.event, ca, print);
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

/** In AWS' own container image of the runtime. */
async function invokeInSam(
  fn: RunningFunction,
  event: unknown,
  { assembly, caFile, folder }: { assembly: string; caFile: string; folder: string },
): Promise<number> {
  const { definition, environment } = fn;
  const stackTemplate = await templateWith(definition.logicalId, assembly);
  const template = await samTemplate(fn, stackTemplate, caFile, folder);
  const eventFile = join(folder, `${definition.name}.event.json`);
  await writeFile(eventFile, JSON.stringify(event));
  const words = ['--template', template, '--event', eventFile, '--docker-network', 'host', '--region', REGION];
  const child = spawn('sam', ['local', 'invoke', definition.logicalId, ...words], {
    stdio: 'inherit',
    env: {
      ...process.env,
      AWS_ACCESS_KEY_ID: environment.AWS_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: environment.AWS_SECRET_ACCESS_KEY,
      AWS_SESSION_TOKEN: environment.AWS_SESSION_TOKEN,
    },
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code ?? 1;
}

/** The template of the stack that has a function of this logical id. */
async function templateWith(logicalId: string, assembly: string): Promise<string> {
  for (const name of globSync('*.template.json', { cwd: assembly })) {
    const file = join(assembly, name);
    const { Resources } = JSON.parse(await readFile(file, 'utf8')) as { Resources: Record<string, unknown> };
    if (logicalId in Resources) return file;
  }
  throw new LocalError('Assembly', `no template in ${assembly} has ${logicalId}: start npm start again`);
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
