import { randomBytes, randomUUID } from 'node:crypto';
import { BLOCK_BYTES } from '../../codec/index.ts';
import { finalizeUpload } from '../../lambdas/finalize/finalize.ts';
import { initUpload } from '../../lambdas/upload-init/upload.ts';
import { limits } from '../../protocol/limits.ts';
import type { UploadInitRequest } from '../../protocol/upload-init.ts';
import { median } from '../statistics.ts';
import { addHeldBlocks, addUsers, type Metadata, type User } from './service.ts';

const CONNECTIONS = [1, 8, 32];
const BLOCKS = [1, 250];
/** Milliseconds of each turn, and turns of which the median counts. */
const TURN_MS = 1500;
const TURNS = 3;
/** References of the hot block when it is measured: that of all-zero blocks has many. */
const HOT = 1000;

export interface CommitRate {
  readonly connections: number;
  readonly blocks: number;
  /** Calls a second, each with one file. */
  readonly init: number;
  readonly finalize: number;
  /** Transactions a second that insert one row, over as many connections of the same server. */
  readonly bare: number;
}

export interface HotRate {
  readonly connections: number;
  readonly distinct: number;
  readonly hot: number;
}

/** Workers, each a user with blocks of its own: no two of them wait for one account. */
async function workersOf(metadata: Metadata, count: number, blocks: number): Promise<Worker[]> {
  const users = await addUsers(metadata, count);
  const workers: Worker[] = [];
  for (const user of users) {
    const hashes = Array.from({ length: blocks }, () => randomBytes(32));
    await addHeldBlocks(metadata, [user], hashes, 1);
    workers.push(new Worker(metadata, user, hashes));
  }
  return workers;
}

/** Rates of the two calls of an upload whose blocks are all there, beside those of the server itself. */
export async function measureCommits(metadata: Metadata, progress: (text: string) => void): Promise<CommitRate[]> {
  await metadata.pool.query('create table public.bare (id uuid primary key)');
  const rates: CommitRate[] = [];
  for (const blocks of BLOCKS) {
    for (const connections of CONNECTIONS) {
      progress(`${connections} connections, ${blocks} blocks a file`);
      const workers = await workersOf(metadata, connections, blocks);
      const turns: { init: number; finalize: number; bare: number }[] = [];
      for (let turn = 0; turn <= TURNS; turn++) {
        const init = await rateOf(workers, (worker) => worker.init());
        const finalize = await rateOf(workers, (worker) => worker.finalize());
        const bare = await rateOf(workers, async () => {
          await metadata.pool.query('insert into public.bare values ($1)', [randomUUID()]);
          return true;
        });
        if (turn > 0) turns.push({ init, finalize, bare });
      }
      const of = (what: 'init' | 'finalize' | 'bare') => median(turns.map((turn) => turn[what]));
      rates.push({ connections, blocks, init: of('init'), finalize: of('finalize'), bare: of('bare') });
    }
  }
  return rates;
}

/** Finalizes a second of files of one block: each user's own, and one that all of them have. They take turns. */
export async function measureHot(metadata: Metadata): Promise<HotRate> {
  const connections = CONNECTIONS.at(-1)!;
  const own = await workersOf(metadata, connections, 1);
  const users = await addUsers(metadata, connections);
  const hash = randomBytes(32);
  await addHeldBlocks(metadata, users, [hash], HOT);
  const shared = users.map((user) => new Worker(metadata, user, [hash]));
  const rates: { distinct: number; hot: number }[] = [];
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const workers of [own, shared]) await rateOf(workers, (worker) => worker.init());
    const distinct = await rateOf(own, (worker) => worker.finalize());
    const hot = await rateOf(shared, (worker) => worker.finalize());
    if (turn > 0) rates.push({ distinct, hot });
  }
  return {
    connections,
    distinct: median(rates.map((rate) => rate.distinct)),
    hot: median(rates.map((rate) => rate.hot)),
  };
}

/** Calls a second of all workers together, until the turn is over or there is nothing more to do. */
async function rateOf(workers: readonly Worker[], call: (worker: Worker) => Promise<boolean>): Promise<number> {
  const started = performance.now();
  let done = 0;
  await Promise.all(
    workers.map(async (worker) => {
      while (performance.now() - started < TURN_MS && (await call(worker))) done++;
    }),
  );
  return (done / (performance.now() - started)) * 1000;
}

class Worker {
  readonly #metadata: Metadata;
  readonly #user: User;
  readonly #blocks: UploadInitRequest['files'][number]['blocks'];
  readonly #open: string[] = [];

  constructor(metadata: Metadata, user: User, hashes: readonly Buffer[]) {
    this.#metadata = metadata;
    this.#user = user;
    this.#blocks = hashes.map((hash) => ({ hash: hash.toString('hex'), size: BLOCK_BYTES }));
  }

  /** Opens an upload of one new file. */
  async init(): Promise<boolean> {
    const request: UploadInitRequest = {
      upload_id: randomUUID(),
      device_id: this.#user.device,
      files: [
        {
          path: randomUUID(),
          kind: 'file',
          size: this.#blocks.length * BLOCK_BYTES,
          mtime_ms: 0,
          mode: 0o644,
          base_version: 0,
          blocks: this.#blocks,
        },
      ],
    };
    const policy = { crossUser: false, defaultQuota: Number.MAX_SAFE_INTEGER };
    const { send } = await initUpload(this.#metadata.databases, this.#user.id, request, policy);
    if (send.length > 0) throw new Error('a block is to be sent, though the user holds it');
    this.#open.push(request.upload_id);
    // Older ones give way.
    if (this.#open.length > limits.openUploads) this.#open.shift();
    return true;
  }

  /** Finalizes one of the uploads; there may be none left. */
  async finalize(): Promise<boolean> {
    const upload_id = this.#open.pop();
    if (upload_id === undefined) return false;
    const request = { upload_id, device_id: this.#user.device };
    const { results } = await finalizeUpload(this.#metadata.databases, this.#user.id, request);
    if (!results.every((result) => 'version' in result)) throw new Error(`refused: ${JSON.stringify(results)}`);
    return true;
  }
}
