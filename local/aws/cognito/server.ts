import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { reason } from '../../errors.ts';
import type { Log } from '../../types.ts';
import { ACCOUNT, type Provider, REGION, type ResourceContext } from '../../types.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { sendJsonError } from '../json-api.ts';
import type { Secrets } from '../secrets.ts';
import { type Registered, readClient } from './clients.ts';
import { OidcProvider } from './federation.ts';
import { Pages } from './pages.ts';
import { Pool } from './pool.ts';
import { readSettings } from './settings.ts';
import { callUserApi } from './user-api.ts';
import type { NewUser } from './users.ts';

/** Where the pages of all pools are, each below the name of its host in AWS. */
const PAGES = '/pages/';

interface Options {
  readonly data: string;
  /** Address of the server. */
  readonly base: string;
  readonly secrets: Pick<Secrets, 'resolve'>;
  readonly log: Log;
}

function suffix(name: string, length: number): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex')}`).toString(36);
  return digits.slice(0, length);
}

/**
 * User pools with the settings of the template: those calls of the Cognito API that carry no signature, each pool's
 * OpenID configuration and key set at `<base>/<pool id>/.well-known/`, and its sign-in pages.
 */
export class Cognito {
  readonly providers: Readonly<Record<string, Provider>> = {
    'AWS::Cognito::UserPool': (resource) => this.#addPool(resource),
    'AWS::Cognito::UserPoolClient': (resource) => this.#addClient(resource),
    'AWS::Cognito::UserPoolIdentityProvider': (resource) => this.#addIdentityProvider(resource),
    'AWS::Cognito::UserPoolDomain': (resource) => this.#addPages(resource),
    'AWS::Cognito::ManagedLoginBranding': ({ physicalName }) => ({ ref: physicalName, attributes: {} }),
  };
  readonly #options: Options;
  readonly #pools = new Map<string, Pool>();
  readonly #clients = new Map<string, Registered>();
  /** By pool and name. One that is not imitated is known by its name alone. */
  readonly #identityProviders = new Map<string, Map<string, OidcProvider | undefined>>();
  /** By the path at which they are. */
  readonly #pages = new Map<string, Pages>();
  /** Ids of pools by the prefix of their pages. */
  readonly #domains = new Map<string, string>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Undefined where there is none of that id. */
  pool(id: string): Pool | undefined {
    return this.#pools.get(id);
  }

  /** Id of the pool that has pages at this prefix; undefined where none has. */
  poolAt(prefix: string): string | undefined {
    return this.#domains.get(prefix);
  }

  async createUser(poolId: string, user: NewUser): Promise<void> {
    const pool = this.#pools.get(poolId);
    const known = [...this.#pools.keys()].join(', ') || 'none';
    if (!pool) throw new Error(`There is no user pool ${poolId}: it has ${known}.`);
    await pool.users.create(user);
  }

  readonly handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const url = new URL(request.url ?? '/', this.#options.base);
      if (url.pathname.startsWith(PAGES)) return await this.#handlePages(request, response, url);
      if (request.method === 'GET') {
        const document = this.#discovery(url.pathname);
        return sendJson(response, document ? 200 : 404, document ?? { message: 'Not Found' });
      }
      const headers = { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() };
      sendJson(response, 200, await callUserApi({ clients: this.#clients, pools: this.#pools }, request), headers);
    } catch (error) {
      if (!(error instanceof AwsError)) this.#options.log(`cognito: ${reason(error)}`);
      const known = error instanceof AwsError ? error : new AwsError('InternalErrorException', reason(error), 500);
      sendJsonError(response, known);
    }
  };

  async #handlePages(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const [, host = '', path = ''] = /^([^/]+)(.*)$/.exec(url.pathname.slice(PAGES.length)) ?? [];
    const pages = this.#pages.get(host);
    if (!pages) throw new AwsError('ResourceNotFoundException', `There are no pages at ${host}.`, 404);
    await pages.handle(request, response, path, url.searchParams);
  }

  async #addPool({ physicalName, properties }: ResourceContext) {
    const id = `${REGION}_${suffix(physicalName, 9)}`;
    const { data, base } = this.#options;
    const pool = await Pool.open(data, { id, issuer: `${base}/${id}`, settings: readSettings(properties) });
    this.#pools.set(id, pool);
    this.#identityProviders.set(id, new Map());
    return {
      ref: id,
      attributes: {
        UserPoolId: id,
        Arn: `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${id}`,
        ProviderName: pool.issuer.replace('https://', ''),
        ProviderURL: pool.issuer,
      },
    };
  }

  #addClient({ properties, physicalName, logicalId }: ResourceContext) {
    const pool = this.#poolOf(properties, logicalId);
    const id = suffix(physicalName, 26);
    const names = [...this.#identityProviders.get(pool.id)!.keys()];
    this.#clients.set(id, { client: readClient(id, properties, names), pool });
    return { ref: id, attributes: { ClientId: id } };
  }

  #addIdentityProvider({ properties, logicalId }: ResourceContext) {
    const pool = this.#poolOf(properties, logicalId);
    const name = String(properties.ProviderName);
    const details = Object.entries((properties.ProviderDetails ?? {}) as Record<string, unknown>);
    const ProviderDetails = Object.fromEntries(
      details.map(([key, value]) => [key, this.#options.secrets.resolve(String(value))]),
    );
    const isOidc = properties.ProviderType === 'OIDC';
    const provider = isOidc ? new OidcProvider(name, { ...properties, ProviderDetails }) : undefined;
    this.#identityProviders.get(pool.id)!.set(name, provider);
    return { ref: name, attributes: {} };
  }

  /**
   * In AWS the pages have a host of their own, below `amazoncognito.com`, which the template builds of this reference. Here
   * it begins with this server's address, so that the rest of the host becomes a part of the path.
   */
  #addPages({ properties, logicalId }: ResourceContext) {
    const pool = this.#poolOf(properties, logicalId);
    const prefix = String(properties.Domain);
    const host = `${prefix}.auth.${REGION}.amazoncognito.com`;
    const owner = this.#domains.get(prefix);
    if (owner !== undefined && owner !== pool.id) {
      throw new AwsError('InvalidParameterException', 'Domain already associated with another user pool.');
    }
    this.#domains.set(prefix, pool.id);
    const providers = this.#identityProviders.get(pool.id)!;
    const url = `${this.#options.base}${PAGES}${host}`;
    this.#pages.set(host, new Pages({ url, pool, clients: this.#clients, providers }));
    return { ref: `${url.replace('https://', '').slice(0, -host.length)}${prefix}`, attributes: {} };
  }

  #poolOf({ UserPoolId }: ResourceContext['properties'], logicalId: string): Pool {
    const pool = this.#pools.get(String(UserPoolId));
    if (!pool) throw new Error(`${logicalId}: there is no user pool ${UserPoolId}.`);
    return pool;
  }

  /** What a pool publishes about itself at that path; undefined where there is nothing. */
  #discovery(path: string): unknown {
    const [, id = '', document] = /^\/([^/]+)\/\.well-known\/([^/]+)$/.exec(path) ?? [];
    const pool = this.#pools.get(id);
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
}
