import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { freePort } from '../ports.ts';
import { libraries } from './libraries.ts';

export { kafkaIsPossible } from './libraries.ts';

export interface KafkaBroker {
  readonly brokers: string[];
  /** As in a power cut; `restart` goes on with what the log holds. */
  kill(): Promise<void>;
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a one-node KRaft broker with an empty log; resolves when it answers. */
export async function startKafka(): Promise<KafkaBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-kafka-'));
  const [port, controllerPort] = [await freePort(), await freePort()];
  const config = join(folder, 'server.properties');
  await mkdir(join(folder, 'log'));
  await writeFile(config, properties(port, controllerPort, join(folder, 'log')));

  const java = ['-Xmx512m', '-cp', join(libraries, '*')];
  execFileSync('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', 'dGlkZW1hcmstdGVzdC1rYQ', '-c', config]);
  const brokers = [`127.0.0.1:${port}`];
  let broker: ChildProcess;
  const restart = async () => {
    broker = spawn('java', [...java, 'kafka.Kafka', config], { stdio: 'ignore' });
    await answering(brokers, broker);
  };
  const kill = async () => {
    broker.kill('SIGKILL');
    if (broker.exitCode === null && broker.signalCode === null) await once(broker, 'exit');
  };
  await restart();
  return {
    brokers,
    kill,
    restart,
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function properties(port: number, controllerPort: number, logs: string): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    `log.dirs=${logs}`,
    'offsets.topic.replication.factor=1',
    'transaction.state.log.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'group.initial.rebalance.delay.ms=0',
    'auto.create.topics.enable=false',
    '',
  ].join('\n');
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
