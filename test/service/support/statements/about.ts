import type { Shard } from '../../../../lambdas/shared/database/rows.ts';

/** What the statements are about. */
export interface About {
  readonly shard: Shard;
  readonly user: string;
  /** Of a device, an upload, a version, a file, a request. */
  readonly id: string;
  /** Of two blocks, in order. */
  readonly hashes: readonly [string, string];
  /** Of two files, the first of them in the folder. */
  readonly paths: readonly [string, string];
  readonly folder: string;
  /** Of a change. */
  readonly cursor: number;
}

/** Functions that send one statement or more. */
export type Statements = Readonly<Record<string, (sql: never) => Promise<unknown>>>;

/** The rows of the user, as his own and as those of his namespace. */
export const rowsOf =
  ({ shard, user }: About) =>
  (sql: never) => ({ ...shard, sql, userId: user, id: user });

export const sized = (hashes: readonly string[]) => hashes.map((hash) => ({ hash, size: 1 }));
