import type {
  APIGatewayEventWebsocketRequestContextV2,
  APIGatewayProxyWebsocketEventV2WithRequestContext,
} from 'aws-lambda';

/** A WebSocket event behind the ticket authorizer. */
export type SocketEvent = APIGatewayProxyWebsocketEventV2WithRequestContext<
  APIGatewayEventWebsocketRequestContextV2 & { authorizer?: { user_id?: string; device_id?: string } }
>;

export function socketUser({ requestContext: { authorizer } }: SocketEvent): { userId: string; deviceId: string } {
  if (!authorizer?.user_id || !authorizer.device_id) throw new Error('the event carries no context of the authorizer');
  return { userId: authorizer.user_id, deviceId: authorizer.device_id };
}
