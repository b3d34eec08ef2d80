import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reason } from '../../errors.ts';
import type { Log } from '../../types.ts';
import { ACCOUNT, type Provider, REGION } from '../../types.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { sendJsonError } from '../json-api.ts';
import { type Registered, readClient } from './clients.ts';
import { Pool } from './pool.ts';
import { readSettings } from './settings.ts';
import { callUserApi } from './user-api.ts';
import type { NewUser } from './users.ts';

export interface Cognito {
  readonly providers: Readonly<Record<string, Provider>>;
  createUser(poolId: string, user: NewUser): Promise<void>;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Undefined where there is none of that id. */
  pool(id: string): Pool | undefined;
}

function suffix(name: string, length: number): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  return digits.slice(0, length);
}

/**
 * User pools with the settings of the template: those calls of the Cognito API that carry no signature, and each pool's
 * OpenID configuration and key set at `<base>/<pool id>/.well-known/`.
 */
export function createCognito(data: string, base: string, log: Log): Cognito {
  const pools = new Map<string, Pool>();
  const clients = new Map<string, Registered>();

  return {
    providers: {
      'AWS::Cognito::UserPool': async ({ physicalName, properties }) => {
        const id = `${REGION}_${suffix(physicalName, 9)}`;
        const pool = await Pool.open(data, { id, issuer: `${base}/${id}`, settings: readSettings(properties) });
        pools.set(id, pool);
        return {
          ref: id,
          attributes: {
            UserPoolId: id,
            Arn: `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${id}`,
            ProviderName: pool.issuer.replace('https://', ''),
            ProviderURL: pool.issuer,
          },
        };
      },
      'AWS::Cognito::UserPoolClient': ({ properties, physicalName, logicalId }) => {
        const pool = pools.get(String(properties.UserPoolId));
        if (!pool) throw new Error(`${logicalId}: there is no user pool ${properties.UserPoolId}.`);
        const id = suffix(physicalName, 26);
        clients.set(id, { client: readClient(id, properties), pool });
        return { ref: id, attributes: { ClientId: id } };
      },
    },
    pool: (id) => pools.get(id),
    async createUser(poolId, user) {
      const pool = pools.get(poolId);
      if (!pool) throw new Error(`There is no user pool ${poolId}: it has ${[...pools.keys()].join(', ') || 'none'}.`);
      await pool.users.create(user);
    },
    async handle(request, response) {
      try {
        if (request.method === 'GET') {
          const document = discovery(pools, pathOf(request));
          sendJson(response, document ? 200 : 404, document ?? { message: 'Not Found' });
        } else {
          const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
          sendJson(response, 200, await callUserApi({ clients, pools }, request), headers);
        }
      } catch (error) {
        if (!(error instanceof AwsError)) log(`cognito: ${reason(error)}`);
        const known = error instanceof AwsError ? error : new AwsError('InternalErrorException', reason(error), 500);
        sendJsonError(response, known);
      }
    },
  };
}

function pathOf({ url }: IncomingMessage): string {
  return (url ?? '/').split('?')[0] ?? '/';
}

/** What a pool publishes about itself at that path; undefined where there is nothing. */
function discovery(pools: ReadonlyMap<string, Pool>, path: string): unknown {
  const [, id = '', document] = /^\/([^/]+)\/\.well-known\/([^/]+)$/.exec(path) ?? [];
  const pool = pools.get(id);
  if (!pool) return undefined;
  if (document === 'jwks.json') return { keys: [pool.jwk] };
  if (document !== 'openid-configuration') return undefined;
  return {
    issuer: pool.issuer,
    jwks_uri: `${pool.issuer}/.well-known/jwks.json`,
    id_token_signing_alg_values_supported: ['RS256'],
    subject_types_supported: ['public'],
    response_types_supported: ['code', 'token'],
  };
}
