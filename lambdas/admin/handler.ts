import { join } from 'node:path';
import { type AdminAnswers, type AdminRefusal, AdminRequest } from '../../protocol/admin.ts';
import { connectClusters } from '../shared/database/database.ts';
import { readMigrations } from '../shared/migrations/read.ts';
import { once, requireEnv } from '../shared/runtime/env.ts';
import { logger } from '../shared/runtime/log.ts';
import { listAccounts, setQuota } from './accounts.ts';
import { audit } from './audit/audit.ts';
import { cancelMove, moveShard } from './move-shard/move.ts';
import { OperatorRefusal } from './refusal.ts';
import { listShards } from './shards.ts';
import { beginAllTimelines } from './timelines.ts';

/** Statements of an operator look at whole shards, or index their tables; within the function's 300 s. */
const STATEMENT_MS = 240_000;

/** A longer job answers how far it came, and is asked to go on: so the operator sees it work. */
const RUN_MS = 10_000;

const clusters = once(() => connectClusters(STATEMENT_MS));

/** The operator's function: invoked by `tidemark-admin`, with IAM deciding who may. */
export async function handler(event: unknown): Promise<AdminAnswers[keyof AdminAnswers] | AdminRefusal> {
  const request = AdminRequest.parse(event);
  logger.info('admin', { ...request });
  try {
    switch (request.command) {
      case 'shards':
        return { shards: await listShards(clusters()) };
      case 'audit':
        return await audit(clusters(), { ...request, from: request.from, until: Date.now() + RUN_MS });
      case 'move-shard': {
        const migrations = readMigrations(join(import.meta.dirname, 'migrations', 'shard'));
        return await moveShard({ ...clusters(), migrations }, { ...request, until: Date.now() + RUN_MS });
      }
      case 'cancel-move':
        await cancelMove(clusters(), request.shard);
        return {};
      case 'begin-timelines':
        return { accounts: await beginAllTimelines(clusters()) };
      case 'user-pool':
        return { user_pool_id: requireEnv('USER_POOL_ID') };
      case 'accounts':
        return { accounts: await listAccounts(clusters(), request.user_ids) };
      case 'set-quota':
        await setQuota(clusters(), request.user_id, request.bytes);
        return {};
    }
  } catch (error) {
    if (error instanceof OperatorRefusal) return { refusal: error.message };
    throw error;
  }
}
