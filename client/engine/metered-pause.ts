import { type Configuration, readConfiguration } from '../service/config.ts';
import { readMetered } from '../service/metered.ts';
import { type Pause, readPause } from '../state/pause.ts';

/** Whether this device waits because its connection is metered, and its user asked for that. */
export async function isHeldBack(configuration: Configuration | undefined): Promise<boolean> {
  return configuration?.on_metered === 'pause' && (await readMetered()) === 'yes';
}

/** Why nothing is synced for now: the user paused the folder, or the connection is metered. */
export type SyncPause = Pause & { readonly metered?: true };

/** Why a folder is not synced now, whether a process would sync it or not; `undefined` when nothing holds it back. */
export async function pauseOf(root: string, configFolder: string): Promise<SyncPause | undefined> {
  const paused = readPause(root);
  if (paused) return paused;
  const configuration = await readConfiguration(configFolder).catch(() => undefined);
  return (await isHeldBack(configuration)) ? { metered: true } : undefined;
}

/** The command that ends it. */
export function endOf({ metered }: SyncPause): string {
  return metered ? 'tidemark metered sync' : 'tidemark resume';
}
