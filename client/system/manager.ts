import { join, win32 } from 'node:path';
import type { Background, Manager } from './background.ts';
import { launchd } from './launchd.ts';
import { systemd } from './systemd.ts';
import { taskScheduler } from './task-scheduler.ts';

/** What of a machine and its user decides how something is run in the background. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly home: string;
  readonly uid: number;
  readonly environment: NodeJS.ProcessEnv;
}

/** The way of this system; `undefined` where none is known. */
export function managerFor(background: Background, machine: Machine): Manager | undefined {
  const { platform, home, uid, environment } = machine;
  if (platform === 'linux') return systemd(background, environment.XDG_CONFIG_HOME || join(home, '.config'));
  if (platform === 'darwin') return launchd(background, { home, uid });
  if (platform !== 'win32') return undefined;
  const user = `${environment.USERDOMAIN ?? '.'}\\${environment.USERNAME ?? ''}`;
  return taskScheduler(background, { localData: localData(machine), user });
}

/** Where a program in the background writes what it says; `undefined` where the system keeps that itself. */
export function logFileFor(name: string, machine: Machine): string | undefined {
  if (machine.platform === 'darwin') return join(machine.home, 'Library', 'Logs', 'tidemark', `${name}.log`);
  return machine.platform === 'win32' ? win32.join(localData(machine), 'tidemark', `${name}.log`) : undefined;
}

function localData({ home, environment }: Machine): string {
  return environment.LOCALAPPDATA || win32.join(home, 'AppData', 'Local');
}
