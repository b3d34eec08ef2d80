import type { APIGatewayAuthorizerResult, APIGatewayRequestAuthorizerEvent } from 'aws-lambda';
import { logger } from '../shared/runtime/log.ts';
import { redeemTicket } from './redeem.ts';

/** The WebSocket authorizer: a good ticket lets one connection in, as the ticket's user and device. */
export async function handler(event: APIGatewayRequestAuthorizerEvent): Promise<APIGatewayAuthorizerResult> {
  const holder = await redeemTicket(event.queryStringParameters?.ticket ?? '');
  logger.info('ticket', { good: holder !== undefined });
  const policyDocument: APIGatewayAuthorizerResult['policyDocument'] = {
    Version: '2012-10-17',
    Statement: [{ Action: 'execute-api:Invoke', Effect: holder ? 'Allow' : 'Deny', Resource: event.methodArn }],
  };
  if (!holder) return { principalId: 'nobody', policyDocument };
  return {
    principalId: holder.userId,
    policyDocument,
    context: { user_id: holder.userId, device_id: holder.deviceId },
  };
}
