import type { AdminAnswers } from '../../protocol/admin.ts';
import { type Databases, within } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { ensureAccount, putQuota } from '../shared/tables/accounts.ts';

type Account = AdminAnswers['accounts']['accounts'][number];

/** What the service has of these users; those who never signed in are missing. */
export async function listAccounts(databases: Databases, userIds: readonly string[]): Promise<Account[]> {
  const accounts: Account[] = [];
  for (const [{ schema, sql }, ids] of Map.groupBy(userIds, databases.shardOf)) {
    const { rows } = await sql.query<Account>(
      `select user_id, used_bytes, coalesce(quota_bytes, default_quota_bytes) as quota_bytes,
         (select count(*) from ${schema}.devices d where d.user_id = a.user_id and revoked_at is null) as devices
       from ${schema}.accounts a where user_id = any($1)`,
      [ids],
    );
    accounts.push(...rows);
  }
  return accounts;
}

/** Gives a user a quota of his own, also before he first signs in; null takes it away. */
export async function setQuota(databases: Databases, userId: string, bytes: number | null): Promise<void> {
  await within(ownNamespace(personOf(databases, userId)), async (namespace) => {
    await ensureAccount(namespace);
    await putQuota(namespace, bytes);
  });
}
