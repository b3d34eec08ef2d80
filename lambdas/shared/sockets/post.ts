import { GoneException, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import type { SocketMessage } from '../../../protocol/socket.ts';
import { logger } from '../runtime/log.ts';
import { type Connection, forgetConnection } from './registry.ts';
import { socketGateway } from './socket-gateway.ts';

/** What one push or one look into the registry may take: most take milliseconds, and others wait for their turn. */
export const CALL_MS = 2_000;

/** API Gateway opens a connection after $connect has entered it, and until then says that it is gone. */
const OPENING_MS = 60_000;

/** Pushes a message, which is a hint: one that does not arrive is given up. */
export async function post(connection: Connection, message: SocketMessage): Promise<'sent' | 'gone' | 'lost'> {
  try {
    await socketGateway().send(
      new PostToConnectionCommand({ ConnectionId: connection.id, Data: JSON.stringify(message) }),
      { abortSignal: AbortSignal.timeout(CALL_MS) },
    );
    return 'sent';
  } catch (error) {
    if (!(error instanceof GoneException)) {
      logger.warn('push given up: the device catches up by cursor', {
        connection: connection.id,
        error: error as Error,
      });
      return 'lost';
    }
    // What stays behind costs the next push a call, and goes with its time.
    if (connection.connectedAt < Date.now() - OPENING_MS) await forgetConnection(connection).catch(() => undefined);
    return 'gone';
  }
}
