import type { DownloadRequest, DownloadResponse } from '../../protocol/download.ts';
import type { ErrorBody } from '../../protocol/errors.ts';
import { type Located, tooMuch } from '../../protocol/internal/locate.ts';
import { limits } from '../../protocol/limits.ts';
import { answerBytes, fitting } from '../shared/answers/answer-size.ts';
import { itemError } from '../shared/answers/errors.ts';
import type { Databases } from '../shared/database/database.ts';
import { ownNamespace, personOf } from '../shared/database/rows.ts';
import { findContents } from '../shared/tables/contents.ts';
import { findDeltas } from '../shared/tables/deltas.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { toEntry } from '../shared/tables/files.ts';
import { findVersions, type VersionRow } from '../shared/tables/versions.ts';
import { cacheEntries } from './cache-entries.ts';

type Answer = DownloadResponse['files'][number];

/** Signed URLs in one answer: about 350 bytes each, of Lambda's 6 MB. */
const MAX_URLS = 10_000;

/** Finds the files in the user's own versions. Only blocks of these are ever signed or read, whatever `lacks` names. */
export async function locateFiles(
  databases: Databases,
  userId: string,
  { device_id: deviceId, files }: DownloadRequest,
  crossUser: boolean,
): Promise<Exclude<Located, { error: ErrorBody }>> {
  const person = personOf(databases, userId);
  await requireDevice(person, deviceId);
  const namespace = ownNamespace(person);
  const versions = await findVersions(namespace, files);
  const sign = new Map<string, number>();
  let blocks = 0;
  const answers = files.map(({ path, lacks }, index): Answer => {
    const row = versions[index];
    if (!row || row.change_type === 'delete') return { path, error: notFound };
    const wanted = wantedOf(row, lacks);
    if (blocks > 0 && blocks + row.block_hashes.length > limits.blocksPerCall) return { path, error: tooMuch };
    if (wanted.filter(([hash]) => !sign.has(hash)).length + sign.size > MAX_URLS) return { path, error: tooMuch };
    blocks += row.block_hashes.length;
    for (const [hash, size] of wanted) sign.set(hash, size);
    return { path, entry: toEntry(row) };
  });
  const small = [...sign].flatMap(([hash, size]) => (size <= limits.smallBytes ? [hash] : []));
  const kept = await findContents(databases.blocks, userId, small);
  const contents = fitting(
    small.flatMap((hash) => {
      const content = kept.get(hash);
      return content ? [[hash, base64(content.encoded)] as const] : [];
    }),
    limits.contentBytesPerAnswer,
  );
  const damaged = new Set(files.flatMap((file) => file.damaged ?? []));
  const whose = crossUser ? {} : { userId };
  const others = [...sign.keys()].filter((hash) => !kept.has(hash));
  const made = await findDeltas(namespace, others);
  const deltas = fitting(
    made.map(({ hash, base, encoded }) => [hash, { base, encoded: base64(encoded) }] as const),
    Math.max(0, limits.contentBytesPerAnswer - answerBytes(contents)),
  );
  return {
    files: answers,
    contents: Object.fromEntries(contents),
    deltas: Object.fromEntries(deltas),
    sign: await cacheEntries(databases.blocks, others, { damaged, ...whose }),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** The blocks that are wanted of a version, with their sizes, in the order in which they are. */
function wantedOf(row: VersionRow, lacks: readonly string[] | undefined): [hash: string, size: number][] {
  const own = new Map(row.block_hashes.map((hash, index) => [hash.toString('hex'), row.block_sizes[index]!]));
  return lacks === undefined
    ? [...own]
    : [...new Set(lacks)].filter((hash) => own.has(hash)).map((hash) => [hash, own.get(hash)!]);
}

const notFound = itemError('not_found', 'there is no such file or version, or it is no longer kept');
