import type { AccountFigures } from '../../account.ts';
import type { Access } from '../access.ts';
import { type JsonApi, unknownOperation } from '../json-api.ts';
import { type Element, sendXml } from './query.ts';

interface List {
  readonly operation: string;
  /** What answer and entries are called. */
  readonly list: string;
  readonly entry: string;
  readonly describe: (Id: string, Name: string) => Element;
}

/** By the last part of the path, which is what `AccountFigures.cdnNames` calls them. */
const lists: Readonly<Record<string, List>> = {
  'key-group': {
    operation: 'ListKeyGroups',
    list: 'KeyGroupList',
    entry: 'KeyGroupSummary',
    describe: (Id, Name) => ({ KeyGroup: { Id, KeyGroupConfig: { Name } } }),
  },
  'public-key': {
    operation: 'ListPublicKeys',
    list: 'PublicKeyList',
    entry: 'PublicKeySummary',
    describe: (Id, Name) => ({ Id, Name }),
  },
  'origin-access-control': {
    operation: 'ListOriginAccessControls',
    list: 'OriginAccessControlList',
    entry: 'OriginAccessControlSummary',
    describe: (Id, Name) => ({ Id, Name }),
  },
  'cache-policy': {
    operation: 'ListCachePolicies',
    list: 'CachePolicyList',
    entry: 'CachePolicySummary',
    describe: (Id, Name) => ({ Type: 'custom', CachePolicy: { Id, CachePolicyConfig: { Name } } }),
  },
  'response-headers-policy': {
    operation: 'ListResponseHeadersPolicies',
    list: 'ResponseHeadersPolicyList',
    entry: 'ResponseHeadersPolicySummary',
    describe: (Id, Name) => ({
      Type: 'custom',
      ResponseHeadersPolicy: { Id, ResponseHeadersPolicyConfig: { Name } },
    }),
  },
};

/** Entries of a page where the caller gives no `MaxItems`. */
const PAGE = 100;

/** What CloudFront tells of the names that the account has, in all its regions. */
export function createCloudFront(account: AccountFigures, access: Access): JsonApi {
  return {
    service: 'cloudfront',
    async handle({ request, response, principal }) {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'https://cloudfront');
      const [, kind] = /^\/2020-05-31\/([a-z-]+)$/.exec(pathname) ?? [];
      const found = kind === undefined || request.method !== 'GET' ? undefined : lists[kind];
      if (!found) throw unknownOperation('CloudFront', `${request.method} ${pathname}`);
      access.demand(principal, `cloudfront:${found.operation}`, '*');
      const names = account.cdnNames[kind!] ?? [];
      const size = Number(searchParams.get('MaxItems') ?? PAGE);
      const first = Number(searchParams.get('Marker') ?? 0);
      const page = names.slice(first, first + size);
      const next = first + size < names.length ? { NextMarker: String(first + size) } : {};
      const Items = page.map((name, index) => found.describe(`${kind}-${first + index}`, name));
      sendXml(
        response,
        found.list,
        { ...next, MaxItems: String(size), Quantity: String(page.length), Items },
        found.entry,
      );
    },
  };
}
