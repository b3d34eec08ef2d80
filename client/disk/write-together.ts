import {
  type BigIntStats,
  closeSync,
  fchmodSync,
  fstatSync,
  fsync,
  type NoParamCallback,
  openSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pMap from 'p-map';
import { POOL_THREADS } from '../common/pool-threads.ts';
import { discardNow } from '../common/replace-file.ts';
import { inTurns, outcomeOf } from '../common/turns.ts';
import { temporaryName } from './paths.ts';
import { PASSING_BYTES, readPassing } from './read-at.ts';
import { type Beside, notKept, setModified, type Target } from './write-file.ts';

/** A small file, with what it is to hold. */
export interface SmallFile extends Omit<Target, 'blocks'> {
  /** Verified. */
  readonly bytes: Uint8Array;
}

const flush = promisify((file: number, done: NoParamCallback) => fsync(file, done));

/** One that is open. */
interface Begun {
  readonly target: SmallFile;
  readonly temporary: string;
  readonly file: number;
}

/**
 * Writes small files beside their places: all of them, then flushes them, then reads them back, each as `writeBeside`
 * does. All of them are open at once. Answers for each, in order, what lies beside its place; or why nothing does.
 */
export async function writeTogether(files: readonly SmallFile[]): Promise<PromiseSettledResult<Beside>[]> {
  const begun = await inTurns(files, begin);
  const flushed = await pMap(
    begun,
    async (each) => {
      if (each.status === 'rejected') return each;
      const [failed] = await Promise.allSettled([flush(each.value.file)]);
      if (failed.status === 'fulfilled') return each;
      abandon(each.value);
      return failed;
    },
    { concurrency: POOL_THREADS },
  );
  return inTurns(flushed, (each) => finish(outcomeOf(each)));
}

function begin(target: SmallFile): Begun {
  const temporary = join(dirname(target.place), temporaryName(target.folderId));
  const begun = { target, temporary, file: openSync(temporary, 'wx+', 0o600) };
  try {
    writeAll(begun);
    fchmodSync(begun.file, target.mode);
    setModified(begun.file, target.mtime_ms);
    return begun;
  } catch (error) {
    abandon(begun);
    throw error;
  }
}

function finish({ file, temporary, target }: Begun): Beside {
  try {
    return { temporary, stats: closing(file, () => demandContent(file, target.bytes)) };
  } catch (error) {
    discardNow(temporary);
    throw error;
  }
}

function abandon({ file, temporary }: Begun): void {
  closing(file, () => discardNow(temporary));
}

function closing<Result>(file: number, work: () => Result): Result {
  try {
    return work();
  } finally {
    closeSync(file);
  }
}

/** On a disk that fills up a write stops short without an error. */
function writeAll({ file, target: { bytes } }: Begun): void {
  for (let done = 0; done < bytes.length; ) {
    const written = writeSync(file, bytes, done, bytes.length - done, done);
    if (written === 0) throw notKept();
    done += written;
  }
}

/** What the system says of a file that holds these bytes and nothing else. */
function demandContent(file: number, bytes: Uint8Array): BigIntStats {
  const stats = fstatSync(file, { bigint: true });
  if (Number(stats.size) !== bytes.length) throw notKept();
  for (let at = 0; at < bytes.length; at += PASSING_BYTES) {
    const part = bytes.subarray(at, at + PASSING_BYTES);
    if (!readPassing(file, at, part.length).equals(part)) throw notKept();
  }
  return stats;
}
