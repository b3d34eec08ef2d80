import { limits } from '../../protocol/limits.ts';
import type { Connection } from '../shared/sockets/registry.ts';

/**
 * The connections of one user that have to go: a device has its newest one only, and a user no more than he may have
 * devices. Two calls that see the same connections agree on it, whichever began first.
 */
export function surplus(connections: readonly Connection[]): Connection[] {
  const kept = new Set<string>();
  return connections.toSorted(newestFirst).filter(({ deviceId }) => {
    if (kept.has(deviceId) || kept.size >= limits.devicesPerUser) return true;
    kept.add(deviceId);
    return false;
  });
}

function newestFirst(one: Connection, other: Connection): number {
  return other.connectedAt - one.connectedAt || (other.id < one.id ? -1 : 1);
}
