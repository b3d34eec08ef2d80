import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { once, requireEnv } from './env.ts';

/** The @connections side of the WebSocket API. */
export const socketGateway = once(
  () => new ApiGatewayManagementApiClient({ endpoint: requireEnv('SOCKET_CALLBACK_URL') }),
);
