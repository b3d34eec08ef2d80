import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { BLOCK_BYTES } from '../../codec/index.ts';
import { initUpload } from '../../lambdas/upload-init/upload.ts';
import { quantile } from '../statistics.ts';
import { HASHES, hashOf } from './blocks.ts';
import { addUsers, type Metadata, type User } from './service.ts';

const CALLS = 300;
/** Before anything is measured. */
const WARM_UP = 30;

/** Whose the blocks are that an upload offers, and how many of them it is then asked for or has to prove. */
const kinds = {
  'nobody has them': { send: HASHES },
  'others have them': { send: HASHES },
  'the user has them': { send: 0 },
} as const;

type Offer = keyof typeof kinds;

export interface UploadInit {
  readonly offer: Offer;
  /** Milliseconds of a call: the whole function, but for signing. */
  readonly p50: number;
  readonly p99: number;
}

/**
 * Opens uploads of one file with many blocks, one after the other, each by another user, where every block that is known
 * at all may be proved to the service. The kinds take turns.
 * @param rows how many blocks were filled in
 */
export async function measureUploadInit(metadata: Metadata, rows: number): Promise<UploadInit[]> {
  const offers = Object.keys(kinds) as Offer[];
  const times = new Map(offers.map((offer) => [offer, [] as number[]]));
  for (let nth = 0; nth < WARM_UP + CALLS; nth++) {
    for (const offer of offers) {
      const [user] = await addUsers(metadata, 1);
      const took = await opened(metadata, { user: user!, offer, rows });
      if (nth >= WARM_UP) times.get(offer)!.push(took);
    }
  }
  return [...times].map(([offer, ms]) => ({ offer, p50: quantile(ms, 0.5), p99: quantile(ms, 0.99) }));
}

/** Milliseconds of one call. */
async function opened(
  metadata: Metadata,
  { user, offer, rows }: { user: User; offer: Offer; rows: number },
): Promise<number> {
  const numbers = new Set<number>();
  while (numbers.size < HASHES) numbers.add(randomInt(rows));
  const hashes = [...numbers].map((n) => (offer === 'nobody has them' ? randomBytes(32).toString('hex') : hashOf(n)));
  if (offer === 'the user has them') await hold(metadata, user, hashes);
  const blocks = hashes.map((hash) => ({ hash, size: BLOCK_BYTES }));
  const file = { path: randomUUID(), kind: 'file' as const, size: HASHES * BLOCK_BYTES, mtime_ms: 0, mode: 0o644 };
  const request = {
    upload_id: randomUUID(),
    device_id: user.device,
    files: [{ ...file, base_version: 0, blocks }],
  };
  const policy = { crossUser: true, defaultQuota: Number.MAX_SAFE_INTEGER };
  const started = performance.now();
  const { send } = await initUpload(metadata.databases, user.id, request, policy);
  const took = performance.now() - started;
  if (send.length !== kinds[offer].send) throw new Error(`${send.length} blocks are to be sent where ${offer}`);
  return took;
}

async function hold({ databases }: Metadata, { id }: User, hashes: readonly string[]): Promise<void> {
  const { sql, schema } = databases.shardOf(id);
  await sql.query(
    `insert into ${schema}.held_blocks (user_id, block_hash, versions)
     select $1, decode(hash, 'hex'), 1 from unnest($2::text[]) hash`,
    [id, hashes],
  );
}
