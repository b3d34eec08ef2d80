import { LocalError, reason } from '../errors.ts';
import { isObject } from '../json.ts';
import type { MayInvoke } from '../lambda/permissions.ts';
import type { Log } from '../types.ts';
import { ACCOUNT, type InvokeResult, REGION } from '../types.ts';
import type { Route } from './model.ts';

/** What both gateways need of the cloud. */
export interface GatewayServices {
  readonly invoke: (functionArn: string, payload: Buffer, mode: 'RequestResponse' | 'Event') => Promise<InvokeResult>;
  readonly mayInvoke: MayInvoke;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly log: Log;
}

export type Integrated =
  | { readonly outcome: 'answered'; readonly payload: Buffer }
  | {
      readonly outcome: 'failed' | 'forbidden' | 'busy' | 'late' | 'too large';
      /** An authorizer threw the error "Unauthorized", which API Gateway takes for a 401. */
      readonly unauthorized?: boolean;
    };

export function executeApiArn(apiId: string, rest: string): string {
  return `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/${rest}`;
}

/**
 * Invokes a function for an API, as its resource policy allows, within the integration's time. Never throws: what went
 * wrong is in the outcome, and in the log where a person can do something about it.
 */
export async function integrate(
  services: GatewayServices,
  { functionArn, timeoutMs }: Pick<Route, 'functionArn' | 'timeoutMs'>,
  sourceArn: string,
  event: object,
): Promise<Integrated> {
  const name = functionArn.split(':function:')[1];
  if (!services.mayInvoke('apigateway.amazonaws.com', functionArn, sourceArn)) {
    services.log(`gateway: ${name} may not be invoked for ${sourceArn}: add an AWS::Lambda::Permission in lib/`);
    return { outcome: 'forbidden' };
  }
  const { promise: late, resolve } = Promise.withResolvers<Integrated>();
  const timer = setTimeout(() => resolve({ outcome: 'late' }), timeoutMs);
  try {
    return await Promise.race([run(services, functionArn, event), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function run({ invoke, log }: GatewayServices, functionArn: string, event: object): Promise<Integrated> {
  try {
    const { payload, functionError } = await invoke(functionArn, Buffer.from(JSON.stringify(event)), 'RequestResponse');
    if (!functionError) return { outcome: 'answered', payload };
    const answer: unknown = JSON.parse(payload.toString('utf8'));
    return { outcome: 'failed', unauthorized: isObject(answer) && answer.errorMessage === 'Unauthorized' };
  } catch (error) {
    if (error instanceof LocalError && error.code === 'TooManyRequestsException') return { outcome: 'busy' };
    if (error instanceof LocalError && error.code === 'RequestTooLargeException') return { outcome: 'too large' };
    // While the cloud stops there is nothing that a person could do about it.
    if (error instanceof LocalError && error.code === 'ServiceException') return { outcome: 'failed' };
    log(`gateway: ${functionArn.split(':function:')[1]}: ${reason(error)}`);
    return { outcome: 'failed' };
  }
}
