import type { DownloadRequest, DownloadResponse } from '../../protocol/download.ts';
import { type CacheEntry, tooMuch } from '../../protocol/internal/locate.ts';
import { limits } from '../../protocol/limits.ts';
import { itemError } from '../shared/answers/errors.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { toEntry } from '../shared/tables/files.ts';
import { findVersions, type VersionRow } from '../shared/tables/versions.ts';
import { cacheEntries } from './cache-entries.ts';

type Answer = DownloadResponse['files'][number];

/** Signed URLs in one answer: about 350 bytes each, of Lambda's 6 MB. */
const MAX_URLS = 10_000;

/** Finds the files in the user's own versions. Only blocks of these are ever signed, whatever `lacks` names. */
export async function locateFiles(
  databases: Databases,
  userId: string,
  { device_id: deviceId, files }: DownloadRequest,
  crossUser: boolean,
): Promise<{ files: Answer[]; sign: CacheEntry[] }> {
  const person = personOf(databases, userId);
  await requireDevice(person, deviceId);
  const versions = await findVersions(ownNamespace(person), files);
  const sign = new Set<string>();
  let blocks = 0;
  const answers = files.map(({ path, lacks }, index): Answer => {
    const row = versions[index];
    if (!row || row.change_type === 'delete') return { path, error: notFound };
    const wanted = urlsFor(row, lacks);
    if (blocks > 0 && blocks + row.block_hashes.length > limits.blocksPerCall) return { path, error: tooMuch };
    if (wanted.filter((hash) => !sign.has(hash)).length + sign.size > MAX_URLS) return { path, error: tooMuch };
    blocks += row.block_hashes.length;
    for (const hash of wanted) sign.add(hash);
    return { path, entry: toEntry(row) };
  });
  const damaged = new Set(files.flatMap((file) => file.damaged ?? []));
  const whose = crossUser ? {} : { userId };
  return { files: answers, sign: await cacheEntries(databases.blocks, [...sign], { damaged, ...whose }) };
}

function urlsFor(row: VersionRow, lacks: readonly string[] | undefined): string[] {
  const own = new Set(row.block_hashes.map((hash) => hash.toString('hex')));
  return lacks === undefined ? [...own] : [...new Set(lacks)].filter((hash) => own.has(hash));
}

const notFound = itemError('not_found', 'there is no such file or version, or it is no longer kept');
