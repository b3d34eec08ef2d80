import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { ACCOUNT, type Provider, type ResourceContext } from '../../types.ts';
import { type CacheRules, readCachePolicy } from './cache-policy.ts';
import { type HeadersPolicy, readHeadersPolicy } from './headers-policy.ts';

export interface Behavior {
  /** Undefined for the default behaviour. */
  readonly pathPattern: string | undefined;
  readonly origin: { readonly bucket: string; readonly path: string };
  /** Undefined where anybody may read. */
  readonly keys: ReadonlyMap<string, KeyObject> | undefined;
  readonly policy: HeadersPolicy;
  readonly cache: CacheRules;
}

export interface Distribution {
  readonly arn: string;
  /** The default behaviour last. */
  readonly behaviors: readonly Behavior[];
}

type Json = Readonly<Record<string, unknown>>;

/** The shape of CloudFront's own ids, the same at every start. */
function id(prefix: string, { physicalName }: ResourceContext): string {
  return `${prefix}${createHash('sha256').update(physicalName).digest('hex').slice(0, 13).toUpperCase()}`;
}

/** AWS::CloudFront resources; a distribution refers to policies, keys and buckets that were made before it. */
export function createDistributions(domain: string): {
  readonly providers: Readonly<Record<string, Provider>>;
  current(): Distribution | undefined;
} {
  const keys = new Map<string, KeyObject>();
  const groups = new Map<string, readonly string[]>();
  const headerPolicies = new Map<string, HeadersPolicy>();
  const cachePolicies = new Map<string, CacheRules>();
  const accessControls = new Set<string>();
  let current: Distribution | undefined;

  const readBehavior = (behavior: Json, origins: readonly Json[], logicalId: string): Behavior => {
    const origin = origins.find(({ Id }) => Id === behavior.TargetOriginId);
    const bucket = /^(.+)\.s3[.-].*amazonaws\.com$/.exec(String(origin?.DomainName))?.[1];
    if (!bucket) throw new Error(`${logicalId}: the local edge reads from S3 buckets only, not ${origin?.DomainName}.`);
    if (!accessControls.has(String(origin?.OriginAccessControlId))) {
      throw new Error(
        `${logicalId}: the origin ${bucket} has no Origin Access Control, so S3 would refuse every read.`,
      );
    }
    const trusted = (behavior.TrustedKeyGroups as string[] | undefined) ?? [];
    const ids = trusted.flatMap((group) => groups.get(group) ?? []);
    const trustedKeys = new Map(ids.flatMap((keyId) => known(keyId, keys.get(keyId))));
    return {
      pathPattern: behavior.PathPattern as string | undefined,
      origin: { bucket, path: String(origin?.OriginPath ?? '') },
      keys: trusted.length > 0 ? trustedKeys : undefined,
      policy: headerPolicies.get(String(behavior.ResponseHeadersPolicyId)) ?? readHeadersPolicy({}, logicalId),
      cache: cachePolicies.get(String(behavior.CachePolicyId)) ?? readCachePolicy({}, logicalId),
    };
  };

  return {
    current: () => current,
    providers: {
      'AWS::CloudFront::OriginAccessControl': (resource) => {
        const ref = id('E', resource);
        accessControls.add(ref);
        return { ref, attributes: { Id: ref } };
      },
      'AWS::CloudFront::PublicKey': (resource) => {
        const ref = id('K', resource);
        const { EncodedKey } = resource.properties.PublicKeyConfig as { EncodedKey: string };
        keys.set(ref, createPublicKey(EncodedKey));
        return { ref, attributes: { Id: ref } };
      },
      'AWS::CloudFront::KeyGroup': (resource) => {
        const ref = id('G', resource);
        groups.set(ref, (resource.properties.KeyGroupConfig as { Items: string[] }).Items);
        return { ref, attributes: { Id: ref } };
      },
      'AWS::CloudFront::CachePolicy': (resource) => {
        const ref = id('C', resource);
        cachePolicies.set(ref, readCachePolicy(resource.properties.CachePolicyConfig as Json, resource.logicalId));
        return { ref, attributes: { Id: ref } };
      },
      'AWS::CloudFront::ResponseHeadersPolicy': (resource) => {
        const ref = id('R', resource);
        const config = resource.properties.ResponseHeadersPolicyConfig as Json;
        headerPolicies.set(ref, readHeadersPolicy(config, resource.logicalId));
        return { ref, attributes: { Id: ref } };
      },
      'AWS::CloudFront::Distribution': (resource) => {
        const ref = id('D', resource);
        const arn = `arn:aws:cloudfront::${ACCOUNT}:distribution/${ref}`;
        if (current && current.arn !== arn) {
          throw new Error(`${resource.logicalId}: the local cloud runs one distribution, and the template has more.`);
        }
        const config = resource.properties.DistributionConfig as Json;
        const all = [...((config.CacheBehaviors as Json[] | undefined) ?? []), config.DefaultCacheBehavior as Json];
        const origins = config.Origins as Json[];
        current = { arn, behaviors: all.map((behavior) => readBehavior(behavior, origins, resource.logicalId)) };
        return { ref, attributes: { Id: ref, DomainName: domain } };
      },
    },
  };
}

function known(keyId: string, key: KeyObject | undefined): [string, KeyObject][] {
  return key ? [[keyId, key]] : [];
}
