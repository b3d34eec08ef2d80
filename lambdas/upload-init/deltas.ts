import type { UploadInitRequest } from '../../protocol/upload-init.ts';
import type { Namespace } from '../shared/database/rows.ts';
import { findVersions } from '../shared/tables/versions.ts';

/** The blocks whose offered delta has a base in a version of this user's own. */
export async function usableDeltas(namespace: Namespace, files: UploadInitRequest['files']): Promise<Set<string>> {
  const offers = files.flatMap(({ blocks }) =>
    blocks.flatMap(({ hash, delta }) => (delta ? [{ hash, base: delta.base }] : [])),
  );
  const names = new Map(offers.map(({ base }) => [`${base.version} ${base.path}`, base]));
  const versions = await findVersions(namespace, [...names.values()]);
  const lengths = new Map([...names.keys()].map((key, index) => [key, versions[index]?.block_hashes.length ?? 0]));
  return new Set(
    offers
      .filter(({ base }) => base.first + base.count <= lengths.get(`${base.version} ${base.path}`)!)
      .map(({ hash }) => hash),
  );
}
