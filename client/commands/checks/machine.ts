import { readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { formatBytes } from '../../../protocol/bytes.ts';
import type { Finding } from '../../../protocol/output/finding.ts';
import { systemCode } from '../../common/errors.ts';
import { describePause } from '../../common/format.ts';
import { reservedBytes } from '../../disk/disk-room.ts';
import { isBeingSynced } from '../../engine/folder.ts';
import { endOf, pauseOf } from '../../engine/metered-pause.ts';
import { readBulletin, refusalOfDisk } from '../../state/bulletin.ts';
import { failed, fine, skipped, warning } from './findings.ts';

/** From this share of what downloads leave free on, a disk is said to be nearly full. */
const NEARLY = 2;

/** Whether the disk of a folder takes something, and has room. */
export async function checkDisk(root: string): Promise<Finding> {
  const refusal = refusalOfDisk(root);
  if (refusal) return failed('disk', refusal.message, 'free some room, or give yourself the right to write there');
  const stats = await statfs(root);
  return judgeRoom(stats.bavail * stats.bsize, reservedBytes(stats));
}

/** @param reserved bytes that downloads leave free */
export function judgeRoom(free: number, reserved: number): Finding {
  const message = `${formatBytes(free)} are free; downloads leave ${formatBytes(reserved)}`;
  if (free > NEARLY * reserved) return fine('disk', message);
  const remedy = 'free some room: what does not fit is not downloaded, and listed';
  return (free > reserved ? warning : failed)('disk', message, remedy);
}

/** Whether Linux lets all directories of a folder be watched; nothing on a system that watches whole trees. */
export function checkWatches(directories: number): Finding[] {
  if (process.platform !== 'linux') return [];
  const limit = (name: string): number => Number(readFileSync(`/proc/sys/fs/inotify/${name}`, 'utf8'));
  try {
    return [judgeWatches(directories, limit('max_user_watches'))];
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return [skipped('watches', 'the system does not say how many directories it watches')];
  }
}

/** The limit is one for all programs of the user: a share of it has to be left to them. */
const OWN_SHARE = 0.8;

/** @param most directories that all programs of a user may watch */
export function judgeWatches(directories: number, most: number): Finding {
  const message = `${directories} ${directories === 1 ? 'directory' : 'directories'} to watch, of ${most} that all your programs may`;
  if (directories <= most * OWN_SHARE) return fine('watches', message);
  const wanted = 2 ** Math.ceil(Math.log2(directories * 2));
  const setting = `fs.inotify.max_user_watches=${wanted}`;
  const remedy =
    `raise it: echo ${setting} | sudo tee /etc/sysctl.d/90-tidemark.conf && sudo sysctl ${setting}; ` +
    'until then changes are found by looking, every ten seconds';
  return warning('watches', message, remedy);
}

/** Whether anything syncs the folder now, and what that says of itself. */
export async function checkSync(root: string, configFolder: string): Promise<Finding> {
  const paused = await pauseOf(root, configFolder);
  if (paused) return warning('sync', `the folder is ${describePause(paused)}`, `'${endOf(paused)}' goes on`);
  if (!isBeingSynced(root)) {
    const remedy = "run 'tidemark sync', or 'tidemark service install' to have it run in the background";
    return warning('sync', 'no sync is running', remedy);
  }
  const { offline, trouble } = readBulletin(root);
  if (trouble)
    return failed('sync', `a sync is running, and cannot go on: ${trouble.message}`, "see 'tidemark status'");
  if (offline) return warning('sync', `a sync is running, and offline: ${offline.message}`, 'it tries again by itself');
  return fine('sync', 'a sync is running');
}
