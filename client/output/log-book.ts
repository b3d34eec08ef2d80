import { LogEntry } from '../../protocol/output/log-entry.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { isWithin } from '../../protocol/path.ts';
import type { Report } from './report.ts';
import { RotatingFile, readNewestFirst } from './rotating-file.ts';

/** Of the newer and of the older file: together some twenty thousand events. */
const MOST_BYTES = 2 * 1024 * 1024;

/** What passes, and what is said of the present, is no history. */
const passing: ReadonlySet<SyncEvent['event']> = new Set(['scan', 'transfers', 'progress', 'reading', 'idle']);

/** Keeps what happens during syncs of a folder, as far back as a bounded file holds it. */
export class LogBook {
  readonly #file: RotatingFile;
  /** What was written down last of the problem at each path: every start finds what is left, and says it again. */
  readonly #problems = new Map<string, string>();
  #isOffline = false;

  constructor(place: string) {
    this.#file = new RotatingFile(place, MOST_BYTES);
    for (const { happened } of [...readLog(place)].reverse()) this.#isNews(happened);
  }

  readonly note: Report = (event) => {
    if (passing.has(event.event) || !this.#isNews(event)) return;
    const entry: LogEntry = { at: 'at' in event ? event.at : Date.now(), happened: event };
    this.#file.add(JSON.stringify(entry));
  };

  close(): void {
    this.#file.close();
  }

  #isNews(event: SyncEvent): boolean {
    if (event.event === 'offline' || event.event === 'online') {
      const isNews = event.event === 'offline' || this.#isOffline;
      this.#isOffline = event.event === 'offline';
      return isNews;
    }
    const path = 'path' in event ? event.path : undefined;
    if (path === undefined) return true;
    if (event.event !== 'error') {
      this.#problems.delete(path);
      return true;
    }
    const isNews = this.#problems.get(path) !== event.message;
    this.#problems.set(path, event.message);
    return isNews;
  }
}

/**
 * What is kept of a folder's syncs, newest first. A line that cannot be read is passed over.
 * @param inside only what concerns this path, or what is in it; all of it when `undefined`
 */
export function* readLog(place: string, inside?: string): Generator<LogEntry> {
  for (const line of readNewestFirst(place)) {
    const { data: entry } = LogEntry.safeParse(parseJson(line));
    if (entry && (inside === undefined || concerns(entry.happened, inside))) yield entry;
  }
}

function concerns(event: SyncEvent, folder: string): boolean {
  const paths = [
    ...('path' in event ? [event.path] : []),
    ...('from' in event ? [event.from] : []),
    ...('original' in event ? [event.original] : []),
  ];
  return paths.some((path) => path !== undefined && isWithin(path, folder));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
