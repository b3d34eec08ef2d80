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

/** What a distribution refers to, by its id; all of it is made before the distribution. */
class Parts {
  readonly keys = new Map<string, KeyObject>();
  readonly groups = new Map<string, readonly string[]>();
  readonly headerPolicies = new Map<string, HeadersPolicy>();
  readonly cachePolicies = new Map<string, CacheRules>();
  readonly accessControls = new Set<string>();

  behavior(behavior: Json, origins: readonly Json[], logicalId: string): Behavior {
    const trusted = (behavior.TrustedKeyGroups as string[] | undefined) ?? [];
    return {
      pathPattern: behavior.PathPattern as string | undefined,
      origin: this.#origin(
        origins.find(({ Id }) => Id === behavior.TargetOriginId),
        logicalId,
      ),
      keys: trusted.length > 0 ? this.#keysOf(trusted) : undefined,
      policy: this.headerPolicies.get(String(behavior.ResponseHeadersPolicyId)) ?? readHeadersPolicy({}, logicalId),
      cache: this.cachePolicies.get(String(behavior.CachePolicyId)) ?? readCachePolicy({}, logicalId),
    };
  }

  #origin(origin: Json | undefined, logicalId: string): Behavior['origin'] {
    const bucket = /^(.+)\.s3[.-].*amazonaws\.com$/.exec(String(origin?.DomainName))?.[1];
    if (!bucket) throw new Error(`${logicalId}: the local edge reads from S3 buckets only, not ${origin?.DomainName}.`);
    if (!this.accessControls.has(String(origin?.OriginAccessControlId))) {
      throw new Error(
        `${logicalId}: the origin ${bucket} has no Origin Access Control, so S3 would refuse every read.`,
      );
    }
    return { bucket, path: String(origin?.OriginPath ?? '') };
  }

  #keysOf(groups: readonly string[]): Map<string, KeyObject> {
    const ids = groups.flatMap((group) => this.groups.get(group) ?? []);
    return new Map(ids.flatMap((id) => known(id, this.keys.get(id))));
  }
}

/** AWS::CloudFront resources; a distribution refers to policies, keys and buckets that were made before it. */
export function createDistributions(domain: string): {
  readonly providers: Readonly<Record<string, Provider>>;
  current(): Distribution | undefined;
} {
  const parts = new Parts();
  let current: Distribution | undefined;

  return {
    current: () => current,
    providers: {
      ...partProviders(parts),
      'AWS::CloudFront::Distribution': (resource) => {
        const ref = id('D', resource);
        const arn = `arn:aws:cloudfront::${ACCOUNT}:distribution/${ref}`;
        if (current && current.arn !== arn) {
          throw new Error(`${resource.logicalId}: the local cloud runs one distribution, and the template has more.`);
        }
        const config = resource.properties.DistributionConfig as Json;
        const all = [...((config.CacheBehaviors as Json[] | undefined) ?? []), config.DefaultCacheBehavior as Json];
        const origins = config.Origins as Json[];
        current = { arn, behaviors: all.map((behavior) => parts.behavior(behavior, origins, resource.logicalId)) };
        return { ref, attributes: { Id: ref, DomainName: domain } };
      },
    },
  };
}

function partProviders(parts: Parts): Readonly<Record<string, Provider>> {
  /** A resource with an id of that letter, which `keep` stores by the id. */
  const part =
    (letter: string, keep: (ref: string, resource: ResourceContext) => void): Provider =>
    (resource) => {
      const ref = id(letter, resource);
      keep(ref, resource);
      return { ref, attributes: { Id: ref } };
    };
  return {
    'AWS::CloudFront::OriginAccessControl': part('E', (ref) => parts.accessControls.add(ref)),
    'AWS::CloudFront::PublicKey': part('K', (ref, { properties }) => {
      const { EncodedKey } = properties.PublicKeyConfig as { EncodedKey: string };
      parts.keys.set(ref, createPublicKey(EncodedKey));
    }),
    'AWS::CloudFront::KeyGroup': part('G', (ref, { properties }) => {
      parts.groups.set(ref, (properties.KeyGroupConfig as { Items: string[] }).Items);
    }),
    'AWS::CloudFront::CachePolicy': part('C', (ref, { properties, logicalId }) => {
      parts.cachePolicies.set(ref, readCachePolicy(properties.CachePolicyConfig as Json, logicalId));
    }),
    'AWS::CloudFront::ResponseHeadersPolicy': part('R', (ref, { properties, logicalId }) => {
      parts.headerPolicies.set(ref, readHeadersPolicy(properties.ResponseHeadersPolicyConfig as Json, logicalId));
    }),
  };
}

function known(keyId: string, key: KeyObject | undefined): [string, KeyObject][] {
  return key ? [[keyId, key]] : [];
}
