import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../cli/reason.ts';
import { isWithin, pathInside } from '../../protocol/path.ts';
import { systemCode } from '../common/errors.ts';
import { undecodable } from './paths.ts';

export interface Watch {
  /** Starts to watch one directory; call it before reading the directory. */
  directory(path: string): void;
  /** Stops watching a directory that is gone, and those below it. */
  forget(path: string): void;
  close(): void;
}

export interface WatchOptions {
  /** A path, relative to the root, at which something may have changed; `''` for anything. */
  readonly onChange: (path: string) => void;
  /** The system cannot watch (all of) the folder: changes have to be looked for. Called once. */
  readonly onDegraded: (reason: string) => void;
}

/**
 * Watches a folder. On macOS and Windows the system watches a whole tree. On Linux each directory has a watch of its
 * own, which the scan sets before it reads the directory: a recursive watcher on top of inotify either misses what
 * appears in a new directory before its watch is set, or reports old paths after a directory was renamed.
 */
export function watchFolder(root: string, options: WatchOptions): Watch {
  return process.platform === 'linux' ? watchDirectories(root, options) : watchTree(root, options);
}

function watchTree(root: string, { onChange, onDegraded }: WatchOptions): Watch {
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(root, { recursive: true }, (_, name) =>
      onChange((name ?? '').replaceAll('\\', '/').normalize('NFC')),
    );
    watcher.on('error', (error) => onDegraded(messageOf(error)));
  } catch (error) {
    onDegraded(messageOf(error));
  }
  return { directory: () => undefined, forget: () => undefined, close: () => watcher?.close() };
}

/** A share of the queue from which on it may have been full: some events are taken out as two, others not at all. */
const FULL = 0.9;
/** What the system keeps of events that nobody took yet, where it does not say. */
const QUEUE_LENGTH = 16_384;

function queueLength(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8')) || QUEUE_LENGTH;
  } catch {
    return QUEUE_LENGTH;
  }
}

/**
 * Counts events that come without a pause, and calls `onOverflow` when they may have filled the system's queue: the
 * runtime does not pass on that some were lost.
 */
export function countEvents(most: number, onOverflow: () => void): () => void {
  let count = 0;
  return () => {
    if (count++ > 0) return;
    setImmediate(() => {
      const isFull = count >= most;
      count = 0;
      if (isFull) onOverflow();
    });
  };
}

function watchDirectories(root: string, { onChange, onDegraded }: WatchOptions): Watch {
  const countEvent = countEvents(queueLength() * FULL, () => onChange(''));
  const watchers = new Map<string, FSWatcher>();
  let degraded = false;
  const degrade = (error: unknown): void => {
    if (degraded) return;
    degraded = true;
    const full = systemCode(error) === 'ENOSPC';
    onDegraded(full ? 'the limit fs.inotify.max_user_watches is reached; raise it with sysctl' : messageOf(error));
  };
  const forget = (path: string): void => {
    if (!watchers.has(path)) return;
    for (const [directory, watcher] of watchers) {
      if (!isWithin(directory, path)) continue;
      watcher.close();
      watchers.delete(directory);
    }
  };
  return {
    directory(path) {
      try {
        // The directory may be another one than before at this path: a fresh watch always fits.
        const fresh = watch(join(root, path), (_, name) => {
          countEvent();
          const usable = name !== null && !name.includes(undecodable);
          onChange(usable ? pathInside(path, name) : path);
        });
        fresh.on('error', degrade);
        watchers.get(path)?.close();
        watchers.set(path, fresh);
      } catch (error) {
        // One that may not be read is listed as such, and its parent's watch tells when that changes.
        if (!['ENOENT', 'EACCES', 'EPERM', 'ENOTDIR'].includes(systemCode(error) ?? '')) degrade(error);
      }
    },
    forget,
    close: () => {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}
