import { ahead } from '../common/ahead.ts';
import { batched } from '../common/batched.ts';
import { each } from '../common/each.ts';
import { writeLink } from '../disk/links.ts';
import { type Parents, rememberParents } from '../disk/paths.ts';
import type { Beside } from '../disk/write-file.ts';
import { type SmallFile, writeTogether } from '../disk/write-together.ts';
import type { DownChannel } from './channels.ts';
import type { ComingFiles } from './coming-files.ts';
import type { Sync } from './context.ts';
import { BlockSource } from './fetch-blocks.ts';
import type { WantedFile } from './lacking.ts';
import { targetOf, writeFetched } from './write-fetched.ts';

const CONCURRENT_FILES = 8;

/** Small files that are written together; all of them are open at once. */
const TOGETHER = 64;
/** Bytes of files that are fetched out of packs together. */
const COLLECTED_BYTES = 2 * 1024 * 1024;

/** A file that is to be fetched. */
export interface Fetch extends WantedFile {
  /** Gives up this file alone. */
  readonly signal: AbortSignal;
  /** Told of the work on the disk when it begins; it ends soon after the signal fires. */
  readonly onBegin: (work: Promise<void>) => void;
  /** Told of the file once all of it is on this disk. */
  readonly onFetched: (file: FetchedFile) => void;
}

/** A file that lies whole beside its place. */
export interface FetchedFile extends WantedFile {
  readonly beside: Beside;
  /** Bytes of it that crossed the wire. */
  readonly received: number;
}

interface Way {
  readonly channel: DownChannel;
  /** What was begun of files before their versions were there. */
  readonly begun: Pick<ComingFiles, 'has' | 'finish'>;
  readonly signal: AbortSignal;
}

type Parts = Pick<
  Sync,
  | 'root'
  | 'snapshots'
  | 'state'
  | 'api'
  | 'cache'
  | 'device'
  | 'room'
  | 'report'
  | 'failures'
  | 'fetches'
  | 'atHand'
  | 'pool'
>;

/**
 * Fetches the content of files, each into a file beside its place; the trees stay as they are. What concerns one file
 * is noted as its failure, and the others go on.
 */
export async function fetchFiles(sync: Parts, files: readonly Fetch[], { channel, begun, signal }: Way): Promise<void> {
  const source = new BlockSource(sync, files, channel);
  const parents = rememberParents(sync.root);
  const { begun: others = [], unknown = [] } = Object.groupBy(files, (file) => (begun.has(file) ? 'begun' : 'unknown'));
  // The next ones are asked for, and come, while these are written.
  for await (const come of ahead(collected(source, unknown, signal))) {
    for (const group of batched(come, { most: TOGETHER })) {
      signal.throwIfAborted();
      others.push(...(await fetchTogether(sync, group, { source, parents })));
    }
  }
  await each(others, { concurrency: CONCURRENT_FILES, signal }, async (file, either) => {
    if (file.signal.aborted) return;
    const work = sync.failures.attempt([file.path], () =>
      fetchFile(sync, file, { source, parents, begun, signal: AbortSignal.any([either, file.signal]) }),
    );
    file.onBegin(work);
    await work.catch((error) => {
      if (!file.signal.aborted) throw error;
    });
  });
  // The files are tried again in any case.
  await source.report().catch(() => undefined);
}

/** The files, some at a time once all of them that comes with others has come. */
async function* collected(
  source: BlockSource,
  files: readonly Fetch[],
  signal: AbortSignal,
): AsyncGenerator<readonly Fetch[], void> {
  for await (const known of ahead(source.prepare(files))) {
    const { packed = [], direct = [] } = Object.groupBy(known, (file) => (source.isPacked(file) ? 'packed' : 'direct'));
    if (direct.length > 0) yield direct;
    for (const some of batched(packed, { most: COLLECTED_BYTES, of: ({ remote }) => remote.size })) {
      await source.collect(some, signal);
      yield some;
    }
  }
}

interface From {
  readonly source: BlockSource;
  readonly parents: Parents;
}

/** Writes those files whose content came with others, and answers the others. */
async function fetchTogether(sync: Parts, files: readonly Fetch[], from: From): Promise<Fetch[]> {
  const others: Fetch[] = [];
  const small: { readonly file: Fetch; readonly bytes: Uint8Array; readonly received: number }[] = [];
  for (const file of files) {
    const whole = await from.source.whole(file);
    if (whole) small.push({ file, ...whole });
    else others.push(file);
  }
  const [links, wanted] = split(small.filter(({ file }) => !file.signal.aborted));
  for (const { file, bytes, received } of links) {
    await sync.failures.attempt([file.path], async () => makeLink(sync, file, { bytes, received }, from.parents));
  }
  if (wanted.length === 0) return others;
  const work = writeSmall(sync, wanted, from.parents);
  for (const { file } of wanted) file.onBegin(work);
  await work;
  return others;
}

function split<Item extends { readonly file: Fetch }>(items: readonly Item[]): [links: Item[], files: Item[]] {
  const isLink = ({ file }: Item): boolean => file.remote.kind === 'link';
  return [items.filter(isLink), items.filter((item) => !isLink(item))];
}

function makeLink(
  sync: Parts,
  file: Fetch,
  { bytes, received }: { readonly bytes: Uint8Array; readonly received: number },
  parents: Parents,
): void {
  const { path, remote } = file;
  const beside = writeLink({ ...targetOf(sync, file, parents), mtime_ms: remote.mtime_ms }, path, Buffer.from(bytes));
  file.onFetched({ path, remote, beside, received });
}

async function writeSmall(
  sync: Parts,
  files: readonly { readonly file: Fetch; readonly bytes: Uint8Array; readonly received: number }[],
  parents: Parents,
): Promise<void> {
  const ready: { readonly fetched: (typeof files)[number]; readonly target: SmallFile }[] = [];
  for (const fetched of files) {
    const { path, remote } = fetched.file;
    await sync.failures.attempt([path], async () => {
      const target = targetOf(sync, fetched.file, parents);
      ready.push({ fetched, target: { ...target, mtime_ms: remote.mtime_ms, bytes: fetched.bytes } });
    });
  }
  const paths = ready.map(({ fetched }) => fetched.file.path);
  await sync.failures.attempt(paths, async () => {
    const bytes = ready.reduce((sum, { target }) => sum + target.bytes.length, 0);
    const written = await sync.room.promise(bytes);
    const besides = await writeTogether(ready.map(({ target }) => target)).finally(() => written(bytes));
    for (const [index, { fetched }] of ready.entries()) {
      const beside = besides[index]!;
      const { file, received } = fetched;
      const { path, remote } = file;
      if (beside.status === 'fulfilled') file.onFetched({ path, remote, beside: beside.value, received });
      else sync.failures.failEach([path], beside.reason);
    }
  });
}

async function fetchFile(
  sync: Parts,
  file: Fetch,
  { source, parents, begun, signal }: From & Pick<Way, 'begun' | 'signal'>,
): Promise<void> {
  const { path, remote } = file;
  const { mtime_ms, blocks } = remote;
  if (remote.kind === 'link') {
    const target = await source.block(file, 0, signal, Buffer.alloc(remote.size));
    return makeLink(sync, file, target, parents);
  }
  const finished = await begun.finish(file, signal);
  const target = { ...targetOf(sync, file, parents), mtime_ms, blocks };
  file.onFetched({ path, remote, ...(finished ?? (await writeFetched(sync, file, target, { source, signal }))) });
}
