import type { HangUpRequest } from '../../protocol/internal/hang-up.ts';
import { logger } from '../shared/runtime/log.ts';
import { connectionsOf, noteRevoked } from '../shared/sockets/registry.ts';
import { closeConnection } from '../shared/sockets/socket-gateway.ts';

/** Closes the connections of devices that were revoked; invoked by devices, which cannot reach them from the VPC. */
export async function handler({ userId, deviceIds }: HangUpRequest): Promise<void> {
  // First the notes, then the look: connect does the opposite, so that no connection slips through between them.
  for (const deviceId of deviceIds) await noteRevoked(userId, deviceId);
  const connections = (await connectionsOf(userId)).filter(({ deviceId }) => deviceIds.includes(deviceId));
  for (const connection of connections) await closeConnection(connection);
  logger.info('hung up', { connections: connections.length });
}
