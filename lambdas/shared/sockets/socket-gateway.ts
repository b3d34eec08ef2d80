import {
  ApiGatewayManagementApiClient,
  DeleteConnectionCommand,
  GoneException,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { once, requireEnv } from '../runtime/env.ts';
import { type Connection, forgetConnection } from './registry.ts';

/** The @connections side of the WebSocket API. */
export const socketGateway = once(
  () => new ApiGatewayManagementApiClient({ endpoint: requireEnv('SOCKET_CALLBACK_URL') }),
);

/** Closes a connection, if it is still there, and forgets it. */
export async function closeConnection(connection: Connection): Promise<void> {
  try {
    await socketGateway().send(new DeleteConnectionCommand({ ConnectionId: connection.id }));
  } catch (error) {
    if (!(error instanceof GoneException)) throw error;
  }
  await forgetConnection(connection);
}
