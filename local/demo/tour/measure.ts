import { setTimeout as sleep } from 'node:timers/promises';
import type { Device } from '../devices/device.ts';
import type { Problems } from '../problems.ts';
import { firstDifference, outline } from './folders.ts';

export interface StepResult {
  readonly step: string;
  readonly files: number;
  readonly file_bytes: number;
  /** Content only: deltas and blocks. */
  readonly uploaded_bytes: number;
  readonly downloaded_bytes: number;
  /** All request bodies of the uploads: content, block lists and envelopes. */
  readonly request_bytes: number;
  /** From the start of the change until both folders are alike on disk, milliseconds. */
  readonly converge_ms: number;
}

const POLL_MS = 20;
const LIMIT_MS = 120_000;
/** A service that complains this often in one step will not get the step done; less may be a retry that helps. */
const MAX_PROBLEMS = 3;

/**
 * Lets `change` happen, waits until both folders are alike on disk and both devices idle, and compares them byte by
 * byte. `alike` adds what the step expects beyond equal folders.
 */
export async function measureStep(
  step: string,
  { devices, problems }: { devices: readonly [Device, Device]; problems: Problems },
  change: () => Promise<void>,
  alike: () => Promise<boolean> = async () => true,
): Promise<StepResult> {
  const seen = devices.map((device) => device.events.length);
  const complaints = problems.count;
  const started = performance.now();
  await change();
  const [one, other] = devices;
  const missing = async (): Promise<string> =>
    (await sameOutline(one, other)) ? 'what the step expects did not happen' : 'times of files are not the same';
  while (!((await sameOutline(one, other)) && (await alike()))) {
    if (performance.now() - started > LIMIT_MS) {
      const difference = (await firstDifference(one.folder, other.folder)) ?? (await missing());
      throw new Error(`${step}: the folders differ after ${LIMIT_MS / 1000} s: ${difference}${listed(problems)}`);
    }
    if (problems.count - complaints >= MAX_PROBLEMS) throw new Error(`${step}: the service fails${listed(problems)}`);
    await sleep(POLL_MS);
  }
  const convergeMs = performance.now() - started;
  await bothIdle(devices, seen);
  const difference = await firstDifference(one.folder, other.folder);
  if (difference !== undefined) throw new Error(`${step}: ${difference}`);

  const events = devices.flatMap((device, index) => device.events.slice(seen[index]));
  const ups = events.filter((event) => event.event === 'uploaded');
  const downs = events.filter((event) => event.event === 'downloaded');
  const others = events.filter((event) => event.event === 'renamed' || event.event === 'deleted');
  return {
    step,
    files: new Set([...ups, ...downs, ...others].map(({ path }) => path)).size,
    file_bytes: sum(ups.map(({ file_bytes }) => file_bytes)),
    uploaded_bytes: sum(ups.map(({ content_bytes }) => content_bytes)),
    downloaded_bytes: sum(downs.map(({ content_bytes }) => content_bytes)),
    request_bytes: sum(ups.map(({ body_bytes }) => body_bytes)),
    converge_ms: Math.round(convergeMs),
  };
}

function listed(problems: Problems): string {
  return problems
    .lines()
    .map((line) => `\n  ${line}`)
    .join('');
}

/** Folders change while they are listed; a listing that fails is one that is not alike yet. */
async function sameOutline(one: Device, other: Device): Promise<boolean> {
  try {
    return (await outline(one.folder)) === (await outline(other.folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

async function bothIdle(devices: readonly Device[], seen: readonly number[]): Promise<void> {
  const idleCursor = (device: Device, index: number): number | undefined => {
    const last = device.events.slice(seen[index]).at(-1);
    return last?.event === 'idle' ? last.cursor : undefined;
  };
  for (let waited = 0; waited < 5000; waited += POLL_MS) {
    const [one, other] = devices.map(idleCursor);
    if (one !== undefined && one === other) return;
    await sleep(POLL_MS);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
