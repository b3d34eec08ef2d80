import { readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import pMap from 'p-map';
import { Agent, setGlobalDispatcher } from 'undici';
import { formatTable } from '../../cli/table.ts';
import { type Cloud, startCloud } from '../../local/cloud/cloud.ts';
import { limits } from '../../protocol/limits.ts';
import { type KafkaBroker, startKafka } from '../../test/support/kafka/broker.ts';
import { setup as fetchKafka, kafkaIsPossible } from '../../test/support/kafka/libraries.ts';
import { freePorts } from '../../test/support/ports.ts';
import { scratch } from '../../test/support/scratch.ts';
import { assemblyOf } from '../../test/support/synthesis.ts';
import { numberOption } from '../number-option.ts';
import { quantile } from '../statistics.ts';
import { Audience, PATIENCE_MS } from './audience.ts';

const SOCKETS = [1, 100, 1000, 5000] as const;
/** With more of them a round takes many seconds of both processors. */
const MOST = 1000;
/** Of one user who has more than one. */
const EACH = 20;
const ROUNDS = 20;
const CONCURRENCY = 4;

export const usage = `usage: npm run bench -- notify [--rounds N] [--most SOCKETS] [--kafka] [--json]

  --rounds N       times that everybody saves (default: ${ROUNDS})
  --most SOCKETS   of ${SOCKETS.join(', ')} those up to so many (default: ${MOST})
  --kafka          on Apache Kafka, which needs Java and Maven, in place of the embedded stream`;

interface Row {
  readonly sockets: number;
  /** Whether another user saved as many files as one call takes, again and again. */
  readonly flood: boolean;
  /** From the commit to the socket. */
  readonly ms: readonly number[];
  readonly lost: number;
}

/**
 * How soon a push is at the sockets of users' other devices when all of them save at once, 20 sockets to a user, alone and
 * while another user floods the stream.
 */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const rounds = numberOption(words, '--rounds', ROUNDS);
  const most = numberOption(words, '--most', MOST);
  const kafka = words.includes('--kafka') ? await openKafka() : undefined;
  const folder = await scratch('tidemark-bench-');
  try {
    const assembly = await assemblyOf({ profile: 'team' });
    const options = { assembly, data: join(folder, 'cloud'), port: await freePorts(10), log: () => undefined };
    const cloud = await startCloud({ ...options, ...(kafka && { kafkaBrokers: kafka.brokers }) });
    setDefaultCACertificates([...getCACertificates('default'), await readFile(cloud.ca, 'utf8')]);
    // Hundreds of users connect at the same moment, to a cloud in this process.
    setGlobalDispatcher(new Agent({ connect: { timeout: PATIENCE_MS } }));
    try {
      const rows = await measure(cloud, { rounds, sizes: SOCKETS.filter((sockets) => sockets <= most) });
      if (json) console.log(JSON.stringify({ rounds, kafka: kafka !== undefined, rows: rows.map(figuresOf) }));
      else print(rows, kafka ? 'Apache Kafka' : 'the embedded stream');
    } finally {
      await cloud.stop();
    }
  } finally {
    await kafka?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function openKafka(): Promise<KafkaBroker> {
  if (!kafkaIsPossible) throw new Error('--kafka needs Java 17 and Maven, and one of them is missing: install them');
  await fetchKafka();
  return await startKafka();
}

async function measure(cloud: Cloud, { rounds, sizes }: { rounds: number; sizes: readonly number[] }): Promise<Row[]> {
  const rows: Row[] = [];
  const [flooder, single] = [await Audience.open(cloud, limits.devicesPerUser - 1), await Audience.open(cloud, 1)];
  const crowd: Audience[] = [];
  for (const sockets of sizes) {
    console.error(`… opens ${sockets} sockets`);
    const more = Array.from({ length: Math.floor(sockets / EACH) - crowd.length }, () => EACH);
    crowd.push(...(await pMap(more, (count) => Audience.open(cloud, count), { concurrency: CONCURRENCY })));
    const listening = sockets === 1 ? [single] : crowd;
    // What is started for the first ones is not measured.
    await saveAll(listening, 2);
    rows.push({ sockets, flood: false, ...(await saveAll(listening, rounds)) });
    const flood = startFlood(flooder);
    rows.push({ sockets, flood: true, ...(await saveAll(listening, rounds)) });
    await flood.stop();
  }
  for (const audience of [flooder, single, ...crowd]) audience.close();
  return rows;
}

/** Everybody saves one file, so many times. */
async function saveAll(audiences: readonly Audience[], rounds: number): Promise<Pick<Row, 'ms' | 'lost'>> {
  const all: (number | undefined)[] = [];
  for (let round = 0; round < rounds; round++) {
    all.push(...(await Promise.all(audiences.map((audience) => audience.save(1)))).flat());
  }
  const ms = all.filter((late) => late !== undefined);
  return { ms, lost: all.length - ms.length };
}

function startFlood(flooder: Audience): { stop(): Promise<void> } {
  let goesOn = true;
  const flooding = (async () => {
    while (goesOn) await flooder.save(limits.filesPerCall);
  })();
  return {
    stop: () => {
      goesOn = false;
      return flooding;
    },
  };
}

function figuresOf({ sockets, flood, ms, lost }: Row) {
  return { sockets, flood, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), max: Math.max(...ms), lost };
}

function print(rows: readonly Row[], stream: string): void {
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}; ${stream}\n`);
  console.log('Milliseconds from a commit to the sockets of its user’s other devices\n');
  const header = ['sockets', '', 'p50', 'p99', 'max', 'lost'];
  const lines = rows.map((row) => {
    const { sockets, flood, p50, p99, max, lost } = figuresOf(row);
    return [sockets, flood ? 'while another user floods' : 'alone', p50, p99, max, lost];
  });
  console.log(formatTable([header, ...lines], [1]));
}
