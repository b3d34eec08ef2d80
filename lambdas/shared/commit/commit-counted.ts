import type { PoolClient } from 'pg';
import type { CommitResult } from '../../../protocol/commit.ts';
import { within } from '../database/database.ts';
import type { Database, Namespace } from '../database/rows.ts';
import { type Account, lockAccount } from '../tables/accounts.ts';
import { AnotherCall, answerOnce, type Call } from './idempotent.ts';
import { lowerRefused } from './references.ts';

/**
 * Commits a call for which versions are counted, unless it is a retry, under the account's lock, and takes the counts of
 * those back that it did not make.
 * @param counted ids of the versions, which no other call can make
 */
export async function commitCounted(
  blocks: Database,
  namespace: Namespace<Database>,
  { call, counted }: { call: Call; counted: readonly string[] },
  commit: (namespace: Namespace<PoolClient>, account: Account) => Promise<CommitResult[]>,
): Promise<CommitResult[]> {
  try {
    const results = await within(namespace, async (namespace) => {
      const account = await lockAccount(namespace);
      return await answerOnce(namespace, call, () => commit(namespace, account));
    });
    await lowerRefused(blocks, namespace, counted, results);
    return results;
  } catch (error) {
    // Then no retry of this one will commit either.
    if (error instanceof AnotherCall) await lowerRefused(blocks, namespace, counted, []);
    throw error;
  }
}
