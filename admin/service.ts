import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import {
  CognitoIdentityProviderClient,
  type CognitoIdentityProviderClientConfig,
} from '@aws-sdk/client-cognito-identity-provider';
import { InvokeCommand, LambdaClient, type LambdaClientConfig } from '@aws-sdk/client-lambda';
import { z } from 'zod';
import { reasonOf } from '../cli/reason.ts';
import { type AdminAnswers, AdminRefusal, type AdminRequest, adminAnswers } from '../protocol/admin.ts';
import { AdminError } from './errors.ts';
import { Users } from './users.ts';

/** What a service on this machine writes for its operator. */
const Operator = z.object({
  function: z.string(),
  endpoint: z.url(),
  region: z.string(),
  ca: z.string(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string(), sessionToken: z.string() }),
});

/** The service that is administered, through its one function for that. */
export interface Service {
  /** Throws AdminError with what the service says, or why it cannot be asked. */
  ask<Command extends AdminRequest['command']>(
    request: Extract<AdminRequest, { command: Command }>,
  ): Promise<AdminAnswers[Command]>;
  /** The service's users. */
  readonly users: Users;
}

/** A service in AWS, by the name or ARN of its function; credentials and region as for every AWS tool. */
export function serviceInAws(functionName: string): Service {
  return createService(functionName, {});
}

/** A service on this machine, by the file that it keeps for its operator. */
export async function serviceHere(file: string): Promise<Service> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const message = `${file} cannot be read: start the service with npm start, or name one in AWS with --function`;
    throw new AdminError('usage', message, { cause: error });
  });
  const operator = Operator.parse(JSON.parse(text));
  setDefaultCACertificates([...getCACertificates('default'), await readFile(operator.ca, 'utf8')]);
  return createService(operator.function, operator);
}

function createService(
  FunctionName: string,
  { endpoint, region, credentials }: Pick<LambdaClientConfig, 'endpoint' | 'region' | 'credentials'>,
): Service {
  const settings = {
    ...(endpoint && { endpoint }),
    ...(region && { region }),
    ...(credentials && { credentials }),
  };
  const client = new LambdaClient(settings);
  const ask: Service['ask'] = async (request) => {
    const command = new InvokeCommand({ FunctionName, Payload: JSON.stringify(request) });
    const { FunctionError, Payload } = await client.send(command).catch((error: unknown) => {
      throw new AdminError('access', `${FunctionName} cannot be invoked: ${reasonOf(error)}`, { cause: error });
    });
    const text = new TextDecoder().decode(Payload);
    if (FunctionError) throw new AdminError('failure', `the service failed: ${text.slice(0, 1000)}`);
    const answer: unknown = JSON.parse(text);
    const refused = AdminRefusal.safeParse(answer);
    if (refused.success) throw new AdminError('failure', refused.data.refusal);
    return adminAnswers[request.command].parse(answer) as AdminAnswers[typeof request.command];
  };
  const poolId = async () => (await ask({ command: 'user-pool' })).user_pool_id;
  return {
    ask,
    users: new Users(new CognitoIdentityProviderClient(settings as CognitoIdentityProviderClientConfig), poolId),
  };
}
