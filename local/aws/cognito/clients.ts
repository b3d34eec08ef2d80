import { AwsError } from '../errors.ts';
import type { Pool } from './pool.ts';
import type { Client, PagesClient } from './tokens.ts';

/** A client of a pool, as it was provisioned. */
export interface Registered {
  readonly client: Client;
  readonly pool: Pool;
}

type Properties = Readonly<Record<string, unknown>>;

const UNIT_SECONDS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };
/** Those of a client that names none. */
const DEFAULT_FLOWS = ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH'];

/** A validity as the template gives it: a number and, beside it, its unit. */
function validity(properties: Properties, token: string, unit: string, fallback: number): number {
  const value = properties[`${token}Validity`];
  const units = properties.TokenValidityUnits as Record<string, string> | undefined;
  return value === undefined ? fallback : Number(value) * (UNIT_SECONDS[units?.[token] ?? unit] ?? 1);
}

/**
 * @param properties of an AWS::Cognito::UserPoolClient
 * @param providers names of the pool's identity providers
 * @throws AwsError for what Cognito refuses, or the local one does not have
 */
export function readClient(id: string, properties: Properties, providers: readonly string[]): Client {
  const { Feature, RetryGracePeriodSeconds } = (properties.RefreshTokenRotation ?? {}) as Properties;
  return {
    ...(Feature === 'ENABLED' && { rotation: Number(RetryGracePeriodSeconds ?? 0) }),
    id,
    flows: (properties.ExplicitAuthFlows as string[] | undefined) ?? DEFAULT_FLOWS,
    hidesUsers: properties.PreventUserExistenceErrors === 'ENABLED',
    accessTtl: validity(properties, 'AccessToken', 'hours', UNIT_SECONDS.hours ?? 3600),
    refreshTtl: validity(properties, 'RefreshToken', 'days', 30 * (UNIT_SECONDS.days ?? 86_400)),
    ...(String(properties.AllowedOAuthFlowsUserPoolClient) === 'true' && { pages: readPages(properties, providers) }),
  };
}

function readPages(properties: Properties, known: readonly string[]): PagesClient {
  const names = (key: string): string[] => (properties[key] as string[] | undefined) ?? [];
  const [callbackUrls, providers] = [names('CallbackURLs'), names('SupportedIdentityProviders')];
  const refused = callbackUrls.map(callbackProblem).find((problem) => problem !== undefined);
  if (refused) throw new AwsError('InvalidParameterException', refused);
  const missing = providers.find((name) => name !== 'COGNITO' && !known.includes(name));
  if (missing) throw new AwsError('InvalidParameterException', `The provider ${missing} does not exist for this pool.`);
  if (String(properties.GenerateSecret) === 'true' || !names('AllowedOAuthFlows').includes('code')) {
    const message = 'The local Cognito has the pages for clients without a secret, by the flow "code" alone.';
    throw new AwsError('InvalidParameterException', message);
  }
  return { callbackUrls, providers, scopes: names('AllowedOAuthScopes'), writable: names('WriteAttributes') };
}

/** Why Cognito refuses an address that browsers are to be sent to. */
export function callbackProblem(url: string): string | undefined {
  if (!URL.canParse(url) || url.includes('*')) return `${url} is no absolute address: a redirect_uri is compared whole`;
  const { protocol, hostname, hash } = new URL(url);
  if (hash) return `${url} has a fragment`;
  if (protocol === 'http:' && hostname !== 'localhost') {
    return `${url}: HTTP is taken for http://localhost alone, also not for 127.0.0.1`;
  }
  return undefined;
}
