import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RequestContext } from './policy.ts';

/** An AWS call that IAM allowed. */
export interface Call {
  /** The function (or the part of AWS, a database proxy for instance) that called. */
  readonly caller: string;
  readonly role: string;
  readonly action: string;
  readonly resource: string;
  readonly context: RequestContext;
}

/** The AWS calls of everything that holds a role: one of each kind, in `<data>/aws-calls.jsonl`. */
export interface Calls {
  /** Keeps a call, unless one of the same kind is kept; `kind` says which calls are alike. */
  add(call: Call, kind: string): void;
  list(): readonly Call[];
}

/** Goes on with the calls that an earlier start recorded. */
export function recordCalls(data: string): Calls {
  const file = join(data, 'aws-calls.jsonl');
  const kept = new Map(readLines(file).map(({ kind, ...call }) => [kind, call]));
  return {
    add(call, kind) {
      if (kept.has(kind)) return;
      appendFileSync(file, `${JSON.stringify({ ...call, kind })}\n`);
      kept.set(kind, call);
    },
    list: () => [...kept.values()],
  };
}

function readLines(file: string): (Call & { kind: string })[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.flatMap(parseLine);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A line that a full disk cut off is dropped, with what was glued to it: both calls are recorded when they come again. */
function parseLine(line: string): (Call & { kind: string })[] {
  try {
    return [JSON.parse(line) as Call & { kind: string }];
  } catch {
    return [];
  }
}
