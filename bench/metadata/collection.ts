import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { sweep } from '../../lambdas/gc/sweep.ts';
import { deleteObjectVersion, listObjectVersions, writeBlock } from '../../lambdas/shared/store/block-store.ts';
import { Store } from '../../test/model/store.ts';
import { median } from '../statistics.ts';
import type { Metadata } from './service.ts';

const BLOCKS = 2000;
const CONTENT_BYTES = 1024;
const TURNS = 3;
const CONCURRENCY = 16;

export interface CollectionRate {
  readonly blocks: number;
  /** Blocks a second: through the whole sweep, and where only the objects are listed and deleted. */
  readonly sweep: number;
  readonly store: number;
}

/** Sweeps over blocks whose time is over, beside what the store alone takes for the same objects. They take turns. */
export async function measureCollection(metadata: Metadata, progress: (text: string) => void): Promise<CollectionRate> {
  const store = await Store.start();
  const rates = { sweep: [] as number[], store: [] as number[] };
  try {
    for (let turn = 0; turn < TURNS; turn++) {
      progress(`sweeps ${BLOCKS.toLocaleString('en')} blocks, turn ${turn + 1} of ${TURNS}`);
      const hashes = await fill(`sweep ${turn}`);
      await metadata.pool.query(
        `insert into blocks.blocks (block_hash, state, size_bytes, delete_after)
         select hash, 'live', $2, now() - interval '1 hour' from unnest($1::bytea[]) hash`,
        [hashes.map((hash) => Buffer.from(hash, 'hex')), CONTENT_BYTES],
      );
      rates.sweep.push(
        await rateOf(async () => {
          const { blocks_deleted } = await sweep(metadata.databases, {
            dryRun: false,
            until: Number.POSITIVE_INFINITY,
          });
          if (blocks_deleted !== BLOCKS) throw new Error(`the sweep deleted ${blocks_deleted} of ${BLOCKS} blocks`);
        }),
      );
      const others = await fill(`store ${turn}`);
      rates.store.push(
        await rateOf(async () => {
          const remove = async (hash: string) => {
            for (const version of (await listObjectVersions(hash)).versions) await deleteObjectVersion(hash, version);
          };
          await pMap(others, remove, { concurrency: CONCURRENCY });
        }),
      );
    }
  } finally {
    await store.stop();
  }
  return { blocks: BLOCKS, sweep: median(rates.sweep), store: median(rates.store) };
}

async function fill(seed: string): Promise<string[]> {
  const write = async (index: number) => {
    const content = Buffer.alloc(CONTENT_BYTES, `${seed} ${index} `);
    const hash = createHash('sha256').update(content).digest('hex');
    await writeBlock(hash, content);
    return hash;
  };
  return await pMap(Array.from({ length: BLOCKS }).keys(), write, { concurrency: CONCURRENCY });
}

async function rateOf(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return (BLOCKS / (performance.now() - started)) * 1000;
}
