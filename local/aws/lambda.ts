import type { AccountFigures } from '../account.ts';
import { LocalError } from '../errors.ts';
import { ACCOUNT, REGION, type ServicesOptions } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError } from './errors.ts';
import { sendJson } from './http.ts';
import { type JsonApi, unknownOperation } from './json-api.ts';

/** A refusal of the runner that has Lambda's own code and status, such as TooManyRequestsException. */
function asLambdaError(error: unknown): unknown {
  const isKnown = error instanceof LocalError && error.code.endsWith('Exception');
  return isKnown ? new AwsError(error.code, error.message, error.status) : error;
}

/** What a call of Lambda needs besides its way to the functions. */
interface Surroundings {
  readonly access: Access;
  readonly account: AccountFigures;
}

/** Lambda's Invoke: `POST /2015-03-31/functions/<name or ARN>/invocations`, synchronous and asynchronous; and GetAccountSettings. */
export function createLambdaApi(invoke: ServicesOptions['invoke'], { access, account }: Surroundings): JsonApi {
  return {
    service: 'lambda',
    async handle({ request, response, principal, body }) {
      const path = (request.url ?? '').split('?')[0] ?? '';
      if (request.method === 'GET' && path === '/2016-08-19/account-settings') {
        access.demand(principal, 'lambda:GetAccountSettings', '*');
        const { concurrency, unreserved } = account;
        const limits = { ConcurrentExecutions: concurrency, UnreservedConcurrentExecutions: unreserved };
        return sendJson(response, 200, { AccountLimit: limits });
      }
      const match = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/.exec(path);
      if (request.method !== 'POST' || !match?.[1]) throw unknownOperation('Lambda', `${request.method} ${path}`);
      const name = decodeURIComponent(match[1]).replace(/^arn:aws:lambda:[^:]+:\d+:function:/, '');
      access.demand(principal, 'lambda:InvokeFunction', `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`);
      const asynchronous = request.headers['x-amz-invocation-type'] === 'Event';
      try {
        const result = await invoke(name, body, asynchronous ? 'Event' : 'RequestResponse');
        const failed = result.functionError ? { 'x-amz-function-error': result.functionError } : {};
        const payload = asynchronous ? Buffer.alloc(0) : result.payload;
        const headers = { 'content-type': 'application/json', 'content-length': payload.length };
        response.writeHead(asynchronous ? 202 : 200, { ...headers, 'x-amz-executed-version': '$LATEST', ...failed });
        response.end(payload);
      } catch (error) {
        throw asLambdaError(error);
      }
    },
  };
}
