import { DeleteConnectionCommand, GoneException } from '@aws-sdk/client-apigatewaymanagementapi';
import type { HangUpRequest } from '../shared/hang-up-contract.ts';
import { logger } from '../shared/log.ts';
import { connectionsOf, forgetConnection, noteRevoked } from '../shared/registry.ts';
import { socketGateway } from '../shared/socket-gateway.ts';

/** Closes the connections of a device that was revoked; invoked by devices, which cannot reach them from the VPC. */
export async function handler({ userId, deviceId }: HangUpRequest): Promise<void> {
  // First the note, then the look: connect does the opposite, so that no connection slips through between them.
  await noteRevoked(deviceId);
  const connections = (await connectionsOf(userId)).filter((connection) => connection.deviceId === deviceId);
  for (const connection of connections) {
    try {
      await socketGateway().send(new DeleteConnectionCommand({ ConnectionId: connection.id }));
    } catch (error) {
      if (!(error instanceof GoneException)) throw error;
    }
    await forgetConnection(connection);
  }
  logger.info('hung up', { connections: connections.length });
}
