import type { DownloadRequest, DownloadResponse } from '../../protocol/download.ts';
import type { Entry } from '../../protocol/entry.ts';
import type { ErrorBody } from '../../protocol/errors.ts';
import { type Located, tooMuch } from '../../protocol/internal/locate.ts';
import { limits } from '../../protocol/limits.ts';
import { bitsSet } from '../../protocol/sent-bits.ts';
import { fittingIfAny, itemBytes } from '../shared/answers/answer-size.ts';
import { itemError } from '../shared/answers/errors.ts';
import type { Databases } from '../shared/database/database.ts';
import { type Database, type Namespace, ownNamespace, type Person, personOf } from '../shared/database/rows.ts';
import { answeredContents, findContents } from '../shared/tables/contents.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { toEntry } from '../shared/tables/files.ts';
import { findVersions } from '../shared/tables/versions.ts';
import { cacheEntries } from './cache-entries.ts';
import { findChains } from './chains.ts';
import { arrivedBlocks, offeredFile } from './open-upload.ts';

type Answer = DownloadResponse['files'][number];

/** Signed URLs in one answer: about 350 bytes each, of Lambda's 6 MB. */
const MAX_URLS = 10_000;

/** Bytes of deltas in one answer, for each of the contents that it may have: each spares a block of many times its size. */
const DELTA_BYTES = 16;

/**
 * Finds the files in the user's own versions and open uploads. Only blocks of these are ever signed or read, whatever
 * `lacks` names.
 */
export async function locateFiles(
  databases: Databases,
  userId: string,
  { device_id: deviceId, files, contents: most = limits.contentBytesPerAnswer }: DownloadRequest,
  crossUser: boolean,
): Promise<Exclude<Located, { error: ErrorBody }>> {
  const person = personOf(databases, userId);
  await requireDevice(person, deviceId);
  const namespace = ownNamespace(person);
  const entries = await findEntries(databases.blocks, person, files);
  const sign = new Map<string, number>();
  let blocks = 0;
  const answers = files.map((file, index): Answer => {
    const { path } = file;
    const { entry, has } = entries[index]!;
    if (!entry) return { path, error: notFound };
    const wanted = wantedOf(entry, file).filter(([hash]) => has?.has(hash) ?? true);
    if (blocks > 0 && blocks + entry.blocks.length > limits.blocksPerCall) return { path, error: tooMuch };
    if (wanted.filter(([hash]) => !sign.has(hash)).length + sign.size > MAX_URLS) return { path, error: tooMuch };
    blocks += entry.blocks.length;
    for (const [hash, size] of wanted) sign.set(hash, size);
    return { path, entry };
  });
  const small = [...sign].flatMap(([hash, size]) => (size <= limits.smallBytes ? [hash] : []));
  const kept = await findContents(databases.blocks, userId, small);
  const contents = answeredContents(small, kept, most);
  const packed = [...kept.values()].flatMap(({ hash, part }) => (part ? [[hash, part] as const] : []));
  const damaged = new Set(files.flatMap((file) => file.damaged ?? []));
  for (const [hash, { pack }] of packed) if (damaged.has(hash)) damaged.add(pack);
  const packs = new Set(packed.map(([, { pack }]) => pack));
  const whose = crossUser ? {} : { userId };
  const others = [...sign.keys()].filter((hash) => !kept.has(hash) && !packs.has(hash));
  const wanted = new Map(others.map((hash) => [hash, sign.get(hash)!]));
  const made = await findChains(namespace, wanted, await blocksBefore(namespace, files));
  const deltas = fittingIfAny(
    made.map(({ hash, base, encoded }) => [hash, { base, encoded: Buffer.from(encoded).toString('base64') }] as const),
    contents.reduce(
      (room, item) => Math.max(0, room - itemBytes(item)),
      Math.min(DELTA_BYTES * most, limits.contentBytesPerAnswer),
    ),
    itemBytes,
  );
  return {
    files: answers,
    contents: Object.fromEntries(contents),
    packed: Object.fromEntries(packed),
    deltas: Object.fromEntries(deltas),
    sign: await cacheEntries(databases.blocks, [...others, ...packs], { damaged, ...whose }),
  };
}

interface Found {
  readonly entry?: Entry | undefined;
  /** The wanted blocks that are there; all, of a version. */
  readonly has?: ReadonlySet<string>;
}

/** What there is of the files, in their order: by their versions, or as uploads offer them. */
async function findEntries(
  blocks: Database,
  person: Person<Database>,
  files: DownloadRequest['files'],
): Promise<Found[]> {
  const namespace = ownNamespace(person);
  const versions = await findVersions(
    namespace,
    files.filter(({ upload }) => upload === undefined),
  );
  const found: Found[] = [];
  for (const file of files) {
    const { path, upload } = file;
    if (upload === undefined) {
      const row = versions.shift();
      found.push({ entry: row && row.change_type !== 'delete' ? toEntry(row) : undefined });
      continue;
    }
    const entry = await offeredFile(namespace, upload, path);
    const wanted = entry ? wantedOf(entry, file).map(([hash]) => hash) : [];
    const key = { userId: person.userId, uploadId: upload };
    found.push({ entry, has: await arrivedBlocks(blocks, namespace, key, wanted) });
  }
  return found;
}

/** The blocks of the versions that the device has in place of those that it asks for. */
async function blocksBefore(namespace: Namespace, files: DownloadRequest['files']): Promise<Set<string>> {
  const names = files.flatMap(({ path, from }) => (from === undefined ? [] : [{ path, version: from }]));
  const versions = await findVersions(namespace, names);
  return new Set(versions.flatMap((row) => (row ? toEntry(row).blocks.map(({ hash }) => hash) : [])));
}

/** The blocks that are wanted of a file, with their sizes, in the order in which they are. */
function wantedOf(
  { blocks }: Entry,
  { lacks, sent }: Pick<DownloadRequest['files'][number], 'lacks' | 'sent'>,
): [hash: string, size: number][] {
  const own = new Map(blocks.map(({ hash, size }) => [hash, size]));
  const isSent = sent === undefined ? () => true : bitsSet(sent);
  const wanted = lacks ?? blocks.filter((_, number) => isSent(number)).map(({ hash }) => hash);
  return [...new Set(wanted)].filter((hash) => own.has(hash)).map((hash) => [hash, own.get(hash)!]);
}

const notFound = itemError('not_found', 'there is no such file or version, or it is no longer kept');
