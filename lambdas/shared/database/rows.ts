import type { Pool, PoolClient } from 'pg';

/** Connections to where some schemas are: of one cluster, or of whichever holds a shard now. */
export interface Database extends Pick<Pool, 'query'> {
  connect(): Promise<PoolClient>;
  /** Whether the failed call may be repeated because its schema is now elsewhere, where `connect` leads from now on. */
  follow?(error: unknown): Promise<boolean>;
}

/** What runs a statement: a pool for a single one, a client inside a transaction. */
export type Sql = Database | PoolClient;

/** The rows of one shard: what runs statements on them, and the schema that every statement names. */
export interface Shard<S extends Sql = Sql> {
  readonly number: number;
  readonly sql: S;
  readonly schema: string;
}

/** The rows of a user as the one who acts: devices and sign-ins. */
export interface Person<S extends Sql = Sql> extends Shard<S> {
  readonly userId: string;
}

/** The rows of one tree: its files and versions, changes and events, uploads and answers, and what it takes up. */
export interface Namespace<S extends Sql = Sql> extends Shard<S> {
  /** What the columns named `user_id` hold. */
  readonly id: string;
}

export function personOf({ shardOf }: { shardOf(userId: string): Shard<Database> }, userId: string): Person<Database> {
  return { ...shardOf(userId), userId };
}

/** The namespace that each user has, the only one today: it has his own id, and lies in his shard. */
export function ownNamespace<S extends Sql>({ userId, ...shard }: Person<S>): Namespace<S> {
  return { ...shard, id: userId };
}

/** Rows by the hash in hex that each of them has. */
export function byHash<Row extends { hash: string }>(rows: readonly Row[]): Map<string, Row> {
  return new Map(rows.map((row) => [row.hash, row]));
}
