import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isObject } from '../json.ts';
import type { Log } from '../types.ts';

export interface FunctionLogs {
  /** Where the lines of a function go: its file, and errors to the cloud's log too. */
  lines(functionName: string): (line: string) => void;
  stop(): Promise<void>;
}

/** Of a longer message the cloud's log shows the beginning; the function's file has all of it. */
const MAX_LINE = 500;

/** The message of a line that a person should see: an ERROR of a structured or a plain log. */
function errorIn(line: string): string | undefined {
  if (line.startsWith('{')) {
    try {
      const entry: unknown = JSON.parse(line);
      if (!isObject(entry) || (entry.level !== 'ERROR' && entry.level !== 'CRITICAL')) return undefined;
      const cause = isObject(entry.error) ? ` (${entry.error.name}: ${entry.error.message})` : '';
      return `${entry.message}${cause}`;
    } catch {
      return undefined;
    }
  }
  const [, message] = line.match(/\tERROR\t(.*)$/) ?? line.match(/ (Task timed out after .*)$/) ?? [];
  return message?.replace(/^Invoke Error\t(.*)$/, (_, error: string) => summary(error));
}

/** What the runtime says of a thrown error, without its trace. */
function summary(error: string): string {
  const { errorType, errorMessage } = JSON.parse(error) as Record<string, string>;
  return `${errorType}: ${errorMessage}`;
}

/** Keeps `<data>/logs/<function>.log`, one per function. */
export function createLogs(data: string, log: Log): FunctionLogs {
  const folder = join(data, 'logs');
  mkdirSync(folder, { recursive: true });
  const files = new Map<string, ReturnType<typeof createWriteStream>>();
  const open = (name: string) => {
    const file = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
    file.on('error', (error) => log(`the log of ${name} cannot be written: ${error.message}`));
    files.set(name, file);
    return file;
  };
  return {
    lines(name) {
      return (line) => {
        (files.get(name) ?? open(name)).write(`${line}\n`);
        const error = errorIn(line);
        if (error !== undefined) log(`${name}: ${error.replace(/\s+/g, ' ').slice(0, MAX_LINE)}`);
      };
    },
    async stop() {
      await Promise.all([...files.values()].map((file) => new Promise<void>((resolve) => file.end(() => resolve()))));
    },
  };
}
