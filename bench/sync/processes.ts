import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

/** A process of this machine. */
interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  /** CPU seconds of its own. */
  readonly own: number;
  /** CPU seconds of its children that have ended. */
  readonly ended: number;
}

/** Linux counts CPU time in hundredths of a second, whatever its timer does (`USER_HZ`). */
const TICKS = 100;

/** All processes, as far as this system tells: none where there is no `/proc`. */
export class Processes {
  readonly #all: readonly Process[];

  constructor() {
    this.#all = ids().flatMap(read);
  }

  /** CPU seconds of a process itself. */
  own(pid: number): number {
    return this.#find(pid)?.own ?? 0;
  }

  /** CPU seconds of those of its children that have ended. */
  ended(pid: number): number {
    return this.#find(pid)?.ended ?? 0;
  }

  /** CPU seconds of a process and all that it started. */
  family(pid: number): number {
    const children = this.children(pid).reduce((sum, child) => sum + this.family(child.pid), 0);
    return this.own(pid) + this.ended(pid) + children;
  }

  children(pid: number): readonly Process[] {
    return this.#all.filter(({ parent }) => parent === pid);
  }

  #find(pid: number): Process | undefined {
    return this.#all.find((process) => process.pid === pid);
  }
}

/** The most memory that a process has held since the last call, in bytes; 0 where nobody says. */
export function takePeak(pid: number): number {
  const kilobytes = Number(readIfThere(`/proc/${pid}/status`).match(/^VmHWM:\s+(\d+) kB$/m)?.[1] ?? 0);
  // Linux begins anew then.
  if (kilobytes > 0) writeFileSync(`/proc/${pid}/clear_refs`, '5');
  return kilobytes * 1024;
}

/** The value of a variable in the environment that a process was started with. */
export function variableOf(pid: number, name: string): string | undefined {
  const entries = readIfThere(`/proc/${pid}/environ`).split('\0');
  return entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
}

function ids(): number[] {
  try {
    return readdirSync('/proc').map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function read(pid: number): Process[] {
  // The command stands in parentheses, and may contain some.
  const [, command, rest] = readIfThere(`/proc/${pid}/stat`).match(/^\d+ \((.*)\) (.*)$/s) ?? [];
  if (command === undefined || rest === undefined) return [];
  const fields = rest.split(' ').map(Number);
  const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((at) => fields[at]!);
  return [
    { pid, parent: parent!, command, own: (user! + system!) / TICKS, ended: (endedUser! + endedSystem!) / TICKS },
  ];
}

/** Empty for a process that has ended. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
