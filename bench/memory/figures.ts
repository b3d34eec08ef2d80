import { readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takePeak } from '../sync/processes.ts';

/** Where a device writes what it holds. */
export function figuresPlace(pid: number): string {
  return join(tmpdir(), `tidemark-memory-${pid}.json`);
}

/** What a process holds, in bytes. */
export interface Figures {
  /** In memory, whether used or not. */
  readonly resident: number;
  /** The most that was in memory since it was asked last. */
  readonly peak: number;
  /** Objects that something still refers to, and buffers beside them. */
  readonly live: number;
}

/** What a device holds. The peak begins anew. */
export async function figuresOf(pid: number): Promise<Figures> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const resident = 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  const place = figuresPlace(pid);
  await rm(place, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (;;) {
    const text = await readFile(place, 'utf8').catch(() => undefined);
    if (text === undefined) {
      await sleep(50);
      continue;
    }
    await rm(place);
    const { heapUsed, external } = JSON.parse(text) as NodeJS.MemoryUsage;
    return { resident, peak: takePeak(pid), live: heapUsed + external };
  }
}
