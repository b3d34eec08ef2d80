/** How a behaviour caches. */
export interface CacheRules {
  /** Query parameters that are part of the cache key, and go to the origin with it. */
  readonly parameters: ReadonlySet<string>;
  /** Seconds. */
  readonly ttl: { readonly least: number; readonly otherwise: number; readonly most: number };
}

interface Config {
  readonly MinTTL?: number;
  readonly DefaultTTL?: number;
  readonly MaxTTL?: number;
  readonly ParametersInCacheKeyAndForwardedToOrigin?: {
    readonly QueryStringsConfig?: { readonly QueryStringBehavior: string; readonly QueryStrings?: readonly string[] };
  };
}

const DAY_S = 86_400;
const YEAR_S = 365 * DAY_S;

/** @throws Error for a policy that the local edge does not imitate, or that S3 would take for something else */
export function readCachePolicy(config: Config, logicalId: string): CacheRules {
  const { QueryStringBehavior = 'none', QueryStrings = [] } =
    config.ParametersInCacheKeyAndForwardedToOrigin?.QueryStringsConfig ?? {};
  if (QueryStringBehavior !== 'none' && QueryStringBehavior !== 'whitelist') {
    throw new Error(`${logicalId}: the local edge knows no cache policy with all query strings: list those you need.`);
  }
  // Amazon S3 User Guide, "Customizing access log fields": it ignores parameters that begin with x-, and no others.
  const meaningful = QueryStrings.find((name) => !name.startsWith('x-'));
  if (meaningful !== undefined) {
    throw new Error(
      `${logicalId}: S3 would get the parameter ${meaningful}, and ignores only those that begin with x-.`,
    );
  }
  return {
    parameters: new Set(QueryStrings),
    ttl: {
      least: Number(config.MinTTL ?? 0),
      otherwise: Number(config.DefaultTTL ?? DAY_S),
      most: Number(config.MaxTTL ?? YEAR_S),
    },
  };
}

/** The key of a request: its path, with the parameters that count in the order of their names. */
export function cacheKey({ parameters }: CacheRules, base: string): string {
  const [path = '/', query = ''] = base.split(/\?(.*)/s);
  const counted = [...new URLSearchParams(query)].filter(([name]) => parameters.has(name)).sort();
  return counted.length === 0 ? path : `${path}?${new URLSearchParams(counted)}`;
}

/** For how many seconds an answer of the origin is fresh: what it asks for itself, within the policy's bounds. */
export function lifetime({ ttl }: CacheRules, headers: Readonly<Record<string, string>>): number {
  const said = headers['cache-control'] ?? '';
  const [, age] = /(?:^|[\s,])(?:s-maxage|max-age)=(\d+)/.exec(said) ?? [];
  const until = Date.parse(headers.expires ?? '');
  let asked = ttl.otherwise;
  if (/no-store|no-cache|private/.test(said)) asked = 0;
  else if (age !== undefined) asked = Number(age);
  else if (!Number.isNaN(until)) asked = (until - Date.now()) / 1000;
  return Math.min(Math.max(asked, ttl.least), ttl.most);
}
