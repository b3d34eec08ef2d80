import type { MetadataProfile } from './profile.ts';

/** Connections by the largest capacity, in units of 2 GiB: "Maximum connections for Aurora Serverless v2". */
const connections = [
  [1, 189],
  [4, 823],
  [8, 1669],
  [16, 3360],
  [32, 5000],
] as const;

/** A cluster that starts from 0 or 0.5 units has at most as many. */
const SMALL_START = 2000;

/** PostgreSQL's `max_connections` of a cluster: it follows the largest capacity, and changes after a reboot only. */
export function maxConnections({ minCapacity, maxCapacity }: MetadataProfile): number {
  const limit = connections.findLast(([capacity]) => capacity <= maxCapacity)?.[1] ?? connections[0][1];
  return minCapacity <= 0.5 ? Math.min(limit, SMALL_START) : limit;
}
