import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { LocalError } from '../errors.ts';
import { isObject } from '../json.ts';
import type { Deployed } from '../kept/deployed.ts';
import { close } from '../listen.ts';
import { stackId } from '../template/resolve.ts';
import type { InvokeResult, Provisioned, ResourceContext } from '../types.ts';

/** Where custom resources are created and updated by their functions, as CloudFormation does. */
export interface CustomResources {
  provision(resource: ResourceContext): Promise<Provisioned>;
  stop(): Promise<void>;
}

interface Answer {
  readonly Status?: unknown;
  readonly Reason?: unknown;
  readonly PhysicalResourceId?: unknown;
  readonly Data?: unknown;
}

function parseAnswer(body: string): Answer {
  try {
    return JSON.parse(body) as Answer;
  } catch {
    return { Status: 'FAILED', Reason: 'the answer to ResponseURL is not JSON' };
  }
}

/** CloudFormation hands numbers and booleans to a custom resource as texts. */
function stringified(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stringified);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, stringified(item)]));
  return String(value);
}

function attributesOf(data: unknown): Record<string, string | number> {
  const entries = Object.entries(isObject(data) ? data : {});
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'number' ? value : String(value)]));
}

/** Where functions send their answers to. */
class AnswerEndpoint {
  readonly #waiting: Map<string, (answer: Answer) => void>;
  readonly #server: Server;

  private constructor(server: Server, waiting: Map<string, (answer: Answer) => void>) {
    this.#server = server;
    this.#waiting = waiting;
  }

  static async start(tls: { readonly cert: string; readonly key: string }): Promise<AnswerEndpoint> {
    const waiting = new Map<string, (answer: Answer) => void>();
    const server = createServer(tls, async (incoming, outgoing) => {
      const take = waiting.get((incoming.url ?? '').slice(1).split('?')[0] ?? '');
      const body = Buffer.concat((await incoming.toArray()) as Buffer[]).toString('utf8');
      outgoing.writeHead(incoming.method === 'PUT' && take ? 200 : 403).end();
      if (incoming.method === 'PUT') take?.(parseAnswer(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AnswerEndpoint(server, waiting);
  }

  /** What is sent to the URL that `run` gets; where nothing was when it ends, a failure with the reason that it returns. */
  async expect(run: (url: string) => Promise<string>): Promise<Answer> {
    const token = randomUUID();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#waiting.set(token, resolve);
    try {
      const { port } = this.#server.address() as AddressInfo;
      const nothing: Answer = { Status: 'FAILED', Reason: await run(`https://127.0.0.1:${port}/${token}`) };
      return await Promise.race([promise, new Promise<Answer>((give) => setImmediate(give, nothing))]);
    } finally {
      this.#waiting.delete(token);
    }
  }

  stop(): Promise<void> {
    return close(this.#server);
  }
}

/**
 * Starts the endpoint that functions send their answers to. `demandWay` throws where a function in the VPC could not
 * reach it (CloudFormation's lies in S3).
 */
export async function startCustomResources(options: {
  readonly tls: { readonly cert: string; readonly key: string };
  readonly deployed: Deployed;
  /** The cloud's first port. */
  readonly port: number;
  readonly invoke: (functionArn: string, payload: Buffer, mode: 'RequestResponse') => Promise<InvokeResult>;
  readonly demandWay: (functionArn: string) => void;
}): Promise<CustomResources> {
  const answers = await AnswerEndpoint.start(options.tls);

  const ask = async (functionArn: string, event: Record<string, unknown>): Promise<Answer> => {
    options.demandWay(functionArn);
    return await answers.expect(async (url) => {
      const asked = Buffer.from(JSON.stringify({ ...event, ResponseURL: url }));
      const result = await options.invoke(functionArn, asked, 'RequestResponse');
      return result.functionError
        ? `the function failed: ${result.payload.toString('utf8').slice(0, 500)}`
        : 'the function ended without an answer to ResponseURL';
    });
  };

  return {
    async provision({ type, logicalId, stack, properties }) {
      const key = `${stack}/${logicalId}`;
      const wanted = stringified(properties) as Record<string, unknown>;
      const before = options.deployed.resource(key);
      if (before && before.port === options.port && isDeepStrictEqual(before.properties, wanted)) {
        return { ref: before.physicalId, attributes: before.data };
      }
      const answer = await ask(String(properties.ServiceToken), {
        RequestType: before ? 'Update' : 'Create',
        ServiceToken: properties.ServiceToken,
        StackId: stackId(stack),
        RequestId: randomUUID(),
        ResourceType: type,
        LogicalResourceId: logicalId,
        ResourceProperties: wanted,
        ...(before && { PhysicalResourceId: before.physicalId, OldResourceProperties: before.properties }),
      });
      if (answer.Status !== 'SUCCESS') {
        const problem = `${type} ${logicalId} in ${stack}: ${String(answer.Reason ?? 'no reason given')}`;
        throw new LocalError('CustomResource', `the custom resource failed: ${problem}`);
      }
      const physicalId = String(answer.PhysicalResourceId ?? before?.physicalId ?? logicalId);
      const data = attributesOf(answer.Data);
      await options.deployed.setResource(key, { physicalId, properties: wanted, data, port: options.port });
      return { ref: physicalId, attributes: data };
    },
    stop: () => answers.stop(),
  };
}
