/** What a response headers policy does to the headers that came from the origin. */
export interface HeadersPolicy {
  /** Taken away first, names in lower case. The edge's own (`x-cache`, `age`, `via`) are none of the origin's. */
  readonly removed: ReadonlySet<string>;
  /** Then added; set over the origin's where `override` says so. */
  readonly added: readonly { readonly name: string; readonly value: string; readonly override: boolean }[];
}

/**
 * Names that CloudFront refuses to remove. Source: Amazon CloudFront Developer Guide, "Understand response headers
 * policies", headers that you can't remove.
 */
const UNREMOVABLE = new RegExp(
  `^(${[
    'connection|content-encoding|content-length|expect|host|keep-alive|proxy-authenticate|proxy-authorization',
    'proxy-connection|trailer|transfer-encoding|upgrade|via|warning|x-accel-(buffering|charset|limit-rate|redirect)',
    'x-amz-cf-.*|x-amzn-(auth|cf-billing|cf-id|cf-xff|errortype|fle-profile|header-count|header-order)',
    'x-amzn-(lambda-integration-tag|requestid)|x-cache|x-edge-.*|x-forwarded-proto|x-real-ip',
  ].join('|')})$`,
);

interface Config {
  readonly CustomHeadersConfig?: { readonly Items?: readonly CustomHeader[] };
  readonly RemoveHeadersConfig?: { readonly Items?: readonly { readonly Header: string }[] };
  readonly SecurityHeadersConfig?: { readonly ContentTypeOptions?: object };
}

interface CustomHeader {
  readonly Header: string;
  readonly Value: string;
  readonly Override?: boolean | string;
}

/** @throws Error for a header that CloudFront would refuse to remove */
export function readHeadersPolicy(config: Config, logicalId: string): HeadersPolicy {
  const removed = (config.RemoveHeadersConfig?.Items ?? []).map(({ Header }) => Header.toLowerCase());
  const refused = removed.find((name) => UNREMOVABLE.test(name));
  if (refused !== undefined) {
    throw new Error(`${logicalId}: CloudFront removes no header ${refused}: take it out of the policy.`);
  }
  const custom = (config.CustomHeadersConfig?.Items ?? []).map(({ Header, Value, Override }) => ({
    name: Header.toLowerCase(),
    value: Value,
    override: String(Override) === 'true',
  }));
  const nosniff = { name: 'x-content-type-options', value: 'nosniff', override: true };
  return {
    removed: new Set(removed),
    added: config.SecurityHeadersConfig?.ContentTypeOptions ? [...custom, nosniff] : custom,
  };
}

/** The origin's headers as a viewer gets them. */
export function viewerHeaders(
  { removed, added }: HeadersPolicy,
  origin: Readonly<Record<string, string>>,
): Record<string, string> {
  const headers = Object.fromEntries(Object.entries(origin).filter(([name]) => !removed.has(name)));
  for (const { name, value, override } of added) if (override || headers[name] === undefined) headers[name] = value;
  return headers;
}
