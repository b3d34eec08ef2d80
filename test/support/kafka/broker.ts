import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { Line } from '../network/line.ts';
import { Relay } from '../network/relay.ts';
import { freePort } from '../ports.ts';
import { libraries } from './libraries.ts';

export { kafkaIsPossible } from './libraries.ts';

export interface KafkaBroker {
  readonly brokers: string[];
  /** Where a client needs TLS and a token of `bearerToken`, as it needs a signed one at MSK. */
  readonly withToken: string[];
  /** The connections with tokens that are open are dead from now on, and nobody is told. */
  abandon(): void;
  /** As in a power cut; `restart` goes on with what the log holds. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Starts one more broker, and answers its id. */
  addBroker(): Promise<number>;
  /** What the logs of a topic take on the disk. */
  bytesOf(topic: string): Promise<number>;
  stop(): Promise<void>;
}

interface KafkaOptions {
  /** PEM texts for the listener with tokens; without them there is none. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

interface Node {
  readonly id: number;
  readonly port: number;
  readonly relay: Relay;
  start(): Promise<void>;
  kill(): Promise<void>;
}

const CLUSTER_ID = 'dGlkZW1hcmstdGVzdC1rYQ';
const JAVA = ['-Xmx512m', '-cp', join(libraries, '*')];

/** Starts a one-node KRaft broker with an empty log; resolves when it answers. */
export async function startKafka({ tls }: KafkaOptions = {}): Promise<KafkaBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
  const keys = join(folder, 'keys.pem');
  if (tls) await writeFile(keys, tls.key + tls.cert);
  const controllerPort = await freePort();
  const nodes: Node[] = [];
  const add = async (): Promise<Node> => {
    const node = await openNode(nodes.length + 1, folder, { controllerPort, keys: tls && keys });
    await node.start();
    nodes.push(node);
    return node;
  };
  const first = await add();
  return {
    brokers: [`127.0.0.1:${first.port}`],
    withToken: [`127.0.0.1:${first.relay.port}`],
    abandon: () => {
      for (const { relay } of nodes) relay.abandon();
    },
    kill: first.kill,
    restart: first.start,
    addBroker: async () => (await add()).id,
    bytesOf: (topic) => bytesOf(folder, topic),
    stop: async () => {
      await Promise.all(nodes.flatMap((node) => [node.kill(), node.relay.close()]));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function openNode(
  id: number,
  folder: string,
  { controllerPort, keys }: { readonly controllerPort: number; readonly keys: string | undefined },
): Promise<Node> {
  const [port, tokenPort] = [await freePort(), await freePort()];
  const [config, logs] = [join(folder, `${id}.properties`), join(folder, `log-${id}`)];
  await mkdir(logs);
  const relay = await Relay.open(await freePort(), tokenPort, new Line());
  const lines = properties({ id, port, controllerPort, logs });
  const all = keys === undefined ? lines : withTokens(lines, { port: tokenPort, advertised: relay.port, keys });
  await writeFile(config, [...all, ''].join('\n'));
  execFileSync('java', [...JAVA, 'kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', config]);
  let broker: ChildProcess | undefined;
  return {
    id,
    port,
    relay,
    start: async () => {
      broker = spawn('java', [...JAVA, 'kafka.Kafka', config], { stdio: 'ignore' });
      await answering([`127.0.0.1:${port}`], broker);
    },
    kill: async () => {
      broker?.kill('SIGKILL');
      if (broker?.exitCode === null && broker.signalCode === null) await once(broker, 'exit');
    },
  };
}

interface Place {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly logs: string;
}

/** The first node is the controller as well. */
function properties({ id, port, controllerPort, logs }: Place): string[] {
  const own = `PLAINTEXT://127.0.0.1:${port}`;
  return [
    `process.roles=${id === 1 ? 'broker,controller' : 'broker'}`,
    `node.id=${id}`,
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=${id === 1 ? `CONTROLLER://127.0.0.1:${controllerPort},` : ''}${own}`,
    `advertised.listeners=${own}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${logs}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
  ];
}

/** With a listener besides that asks for TLS and a token, and is known by another port. */
function withTokens(
  lines: readonly string[],
  { port, advertised, keys }: { readonly port: number; readonly advertised: number; readonly keys: string },
): string[] {
  const ports = new Map([
    ['listeners', port],
    ['advertised.listeners', advertised],
  ]);
  return [
    ...lines.map((line) => {
      const at = ports.get(line.split('=')[0]!);
      return at === undefined ? line : `${line},TOKEN://127.0.0.1:${at}`;
    }),
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,TOKEN:SASL_SSL',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.name.token.sasl.enabled.mechanisms=OAUTHBEARER',
    'listener.name.token.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
    'listener.name.token.ssl.keystore.type=PEM',
    `listener.name.token.ssl.keystore.location=${keys}`,
  ];
}

/** A token that a broker takes which was told of no keys: JSON Web Signature without one, RFC 7515. */
export function bearerToken(): string {
  // The broker's clock is this one, whatever a test does to `Date`.
  const now = Math.floor((performance.timeOrigin + performance.now()) / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: 'relay', iat: now, exp: now + 900 })}.`;
}

async function bytesOf(folder: string, topic: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const logs = entries.filter(({ name, parentPath }) => name.endsWith('.log') && parentPath.includes(`/${topic}-`));
  const sizes = await Promise.all(logs.map(({ name, parentPath }) => stat(join(parentPath, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
}

async function answering(brokers: string[], broker: ChildProcess): Promise<void> {
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 30, maxRetryTime: 1000 } }).admin();
  try {
    await admin.connect();
  } catch (error) {
    broker.kill('SIGKILL');
    throw new Error('the Kafka broker did not answer within 30 s', { cause: error });
  } finally {
    await admin.disconnect();
  }
}
