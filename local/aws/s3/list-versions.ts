import { escapeXml } from '../errors.ts';
import type { Bucket } from './buckets.ts';
import type { ObjectVersion } from './journal.ts';

const MAX_KEYS = 1000;

function entry(version: ObjectVersion, latest: boolean): string {
  const common =
    `<Key>${escapeXml(version.key)}</Key><VersionId>${version.versionId}</VersionId>` +
    `<IsLatest>${latest}</IsLatest><LastModified>${new Date(version.time).toISOString()}</LastModified>`;
  if (!version.file) return `<DeleteMarker>${common}</DeleteMarker>`;
  const content = `<ETag>${escapeXml(version.etag)}</ETag><Size>${version.size}</Size>`;
  return `<Version>${common}${content}<StorageClass>STANDARD</StorageClass></Version>`;
}

/** The answer of ListObjectVersions: keys in byte order, the newest version of a key first. */
export function listVersions(bucket: Bucket, query: URLSearchParams): string {
  const prefix = query.get('prefix') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const versionMarker = query.get('version-id-marker');
  const maxKeys = Math.min(Number(query.get('max-keys') ?? MAX_KEYS), MAX_KEYS);

  const keys = [...bucket.journal.versions.keys()].filter((key) => key.startsWith(prefix) && key >= keyMarker);
  keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const entries = keys.flatMap((key) => {
    const versions = [...(bucket.journal.versions.get(key) ?? [])].reverse();
    const rows = versions.map((version, index) => ({ version, latest: index === 0 }));
    if (key !== keyMarker || keyMarker === '') return rows;
    const at = rows.findIndex(({ version }) => version.versionId === versionMarker);
    return at < 0 ? [] : rows.slice(at + 1);
  });

  const page = entries.slice(0, maxKeys);
  const last = page.at(-1)?.version;
  const next =
    entries.length > page.length && last
      ? `<NextKeyMarker>${escapeXml(last.key)}</NextKeyMarker><NextVersionIdMarker>${last.versionId}</NextVersionIdMarker>`
      : '';
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>${bucket.name}</Name><Prefix>${escapeXml(prefix)}</Prefix><KeyMarker>${escapeXml(keyMarker)}</KeyMarker>` +
    `<VersionIdMarker>${escapeXml(versionMarker ?? '')}</VersionIdMarker>${next}<MaxKeys>${maxKeys}</MaxKeys>` +
    `<IsTruncated>${next !== ''}</IsTruncated>` +
    `${page.map(({ version, latest }) => entry(version, latest)).join('')}</ListVersionsResult>`
  );
}
