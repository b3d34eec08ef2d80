/*
 * What a cloud leaves in its data folder: for its next start, what is deployed; for other processes, that it runs and
 * how to reach it.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalError } from '../errors.ts';
import { createQueue, writeAtomic } from '../files.ts';

/** What a custom resource answered, and for which properties. */
interface DeployedResource {
  readonly physicalId: string;
  readonly properties: unknown;
  /** The ports it was made for: what it found out (brokers, say) may not hold on others. */
  readonly port: number;
  readonly data: Readonly<Record<string, string | number>>;
}

interface State {
  readonly resources: Record<string, DeployedResource>;
  /** When each schedule ran last, in ms since 1970. */
  readonly schedules: Record<string, number>;
}

/** What the local cloud remembers from one start to the next, in `<data>/deployed.json`. */
export interface Deployed {
  resource(key: string): DeployedResource | undefined;
  setResource(key: string, resource: DeployedResource): Promise<void>;
  lastRun(schedule: string): number | undefined;
  setLastRun(schedule: string, at: number): Promise<void>;
}

export async function loadDeployed(data: string): Promise<Deployed> {
  const file = join(data, 'deployed.json');
  const state = await readState(file);
  const inTurn = createQueue();
  const save = (): Promise<void> => inTurn(() => writeAtomic(file, JSON.stringify(state)));
  return {
    resource: (key) => state.resources[key],
    setResource(key, resource) {
      state.resources[key] = resource;
      return save();
    },
    lastRun: (schedule) => state.schedules[schedule],
    setLastRun(schedule, at) {
      state.schedules[schedule] = at;
      return save();
    },
  };
}

async function readState(file: string): Promise<State> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as State;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { resources: {}, schedules: {} };
    throw new LocalError('Data', `${file} cannot be read: remove the data folder to start anew, or restore the file`);
  }
}
