import type { Pool } from './pool.ts';
import type { Client } from './tokens.ts';

/** A client of a pool, as it was provisioned. */
export interface Registered {
  readonly client: Client;
  readonly pool: Pool;
}

type Properties = Readonly<Record<string, unknown>>;

const UNIT_SECONDS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/** A validity as the template gives it: a number and, beside it, its unit. */
function validity(properties: Properties, token: string, unit: string, fallback: number): number {
  const value = properties[`${token}Validity`];
  const units = properties.TokenValidityUnits as Record<string, string> | undefined;
  return value === undefined ? fallback : Number(value) * (UNIT_SECONDS[units?.[token] ?? unit] ?? 1);
}

/** @param properties of an AWS::Cognito::UserPoolClient */
export function readClient(id: string, properties: Properties): Client {
  const { Feature, RetryGracePeriodSeconds } = (properties.RefreshTokenRotation ?? {}) as Properties;
  return {
    ...(Feature === 'ENABLED' && { rotation: Number(RetryGracePeriodSeconds ?? 0) }),
    id,
    flows: (properties.ExplicitAuthFlows as string[] | undefined) ?? [],
    hidesUsers: properties.PreventUserExistenceErrors === 'ENABLED',
    accessTtl: validity(properties, 'AccessToken', 'hours', UNIT_SECONDS.hours ?? 3600),
    refreshTtl: validity(properties, 'RefreshToken', 'days', 30 * (UNIT_SECONDS.days ?? 86_400)),
  };
}
