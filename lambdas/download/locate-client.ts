import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Located, LocateRequest } from '../../protocol/internal/locate.ts';
import { once, requireEnv } from '../shared/runtime/env.ts';

const client = once(() => new LambdaClient({}));

/** Asks the function in the VPC, which reaches the database; this one stays outside to reach Secrets Manager. */
export async function locate(request: LocateRequest): Promise<Located> {
  const { FunctionError, Payload } = await client().send(
    new InvokeCommand({ FunctionName: requireEnv('LOCATE_FUNCTION'), Payload: JSON.stringify(request) }),
  );
  const text = new TextDecoder().decode(Payload);
  if (FunctionError) throw new Error(`locate failed: ${text.slice(0, 500)}`);
  return JSON.parse(text) as Located;
}
