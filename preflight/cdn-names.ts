import {
  type CloudFrontClient,
  ListCachePoliciesCommand,
  ListKeyGroupsCommand,
  ListOriginAccessControlsCommand,
  ListPublicKeysCommand,
  ListResponseHeadersPoliciesCommand,
} from '@aws-sdk/client-cloudfront';

/** Something of CloudFront's that has a name, which the account has once, in all its regions. */
export interface CdnName {
  /** As `aws cloudfront get-…` and `delete-…` call it: `key-group`. */
  readonly kind: string;
  readonly name: string;
}

export interface TakenName extends CdnName {
  /** By which it can be deleted. */
  readonly id: string;
}

interface Page {
  readonly found: readonly { readonly id: string | undefined; readonly name: string | undefined }[];
  readonly next: string | undefined;
}

interface Kind {
  readonly kind: string;
  /** The property that holds the name in a template. */
  readonly config: string;
  /** @param Marker where the page begins. @default - the first */
  readonly list: (client: CloudFrontClient, Marker?: string) => Promise<Page>;
}

/** All of its resources that have a name; a distribution has none. */
export const cdnKinds: Readonly<Record<string, Kind>> = {
  'AWS::CloudFront::KeyGroup': {
    kind: 'key-group',
    config: 'KeyGroupConfig',
    async list(client, Marker) {
      const { KeyGroupList: { Items = [], NextMarker } = {} } = await client.send(new ListKeyGroupsCommand({ Marker }));
      return {
        found: Items.map(({ KeyGroup }) => ({ id: KeyGroup?.Id, name: KeyGroup?.KeyGroupConfig?.Name })),
        next: NextMarker,
      };
    },
  },
  'AWS::CloudFront::PublicKey': {
    kind: 'public-key',
    config: 'PublicKeyConfig',
    async list(client, Marker) {
      const { PublicKeyList: { Items = [], NextMarker } = {} } = await client.send(
        new ListPublicKeysCommand({ Marker }),
      );
      return { found: Items.map(({ Id, Name }) => ({ id: Id, name: Name })), next: NextMarker };
    },
  },
  'AWS::CloudFront::OriginAccessControl': {
    kind: 'origin-access-control',
    config: 'OriginAccessControlConfig',
    async list(client, Marker) {
      const { OriginAccessControlList: { Items = [], NextMarker } = {} } = await client.send(
        new ListOriginAccessControlsCommand({ Marker }),
      );
      return { found: Items.map(({ Id, Name }) => ({ id: Id, name: Name })), next: NextMarker };
    },
  },
  'AWS::CloudFront::CachePolicy': {
    kind: 'cache-policy',
    config: 'CachePolicyConfig',
    async list(client, Marker) {
      const { CachePolicyList: { Items = [], NextMarker } = {} } = await client.send(
        new ListCachePoliciesCommand({ Type: 'custom', Marker }),
      );
      return {
        found: Items.map(({ CachePolicy }) => ({ id: CachePolicy?.Id, name: CachePolicy?.CachePolicyConfig?.Name })),
        next: NextMarker,
      };
    },
  },
  'AWS::CloudFront::ResponseHeadersPolicy': {
    kind: 'response-headers-policy',
    config: 'ResponseHeadersPolicyConfig',
    async list(client, Marker) {
      const { ResponseHeadersPolicyList: { Items = [], NextMarker } = {} } = await client.send(
        new ListResponseHeadersPoliciesCommand({ Type: 'custom', Marker }),
      );
      return {
        found: Items.map(({ ResponseHeadersPolicy: one }) => ({
          id: one?.Id,
          name: one?.ResponseHeadersPolicyConfig?.Name,
        })),
        next: NextMarker,
      };
    },
  },
};

/**
 * Those of the wanted names that the account has.
 * @param wanted names in full, without a reference to the region
 */
export async function readTakenNames(client: CloudFrontClient, wanted: readonly CdnName[]): Promise<TakenName[]> {
  const kinds = Object.values(cdnKinds).filter(({ kind }) => wanted.some((one) => one.kind === kind));
  const taken = kinds.map(async ({ kind, list }) => {
    const names = wanted.filter((one) => one.kind === kind).map(({ name }) => name);
    const found: TakenName[] = [];
    let marker: string | undefined;
    do {
      const page = await list(client, marker);
      for (const { id, name } of page.found) {
        if (id !== undefined && name !== undefined && names.includes(name)) found.push({ kind, name, id });
      }
      marker = page.next;
    } while (marker);
    return found;
  });
  return (await Promise.all(taken)).flat();
}
