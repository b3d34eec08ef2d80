import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../cli/reason.ts';
import { ClientError, systemCode } from '../common/errors.ts';
import { storeFile } from '../common/replace-file.ts';
import type { Act } from './background.ts';

type Words = readonly [string, ...string[]];

/**
 * Carries out what a manager is to be told, one after the other, until one fails.
 * @throws ClientError `no_background` with what the system says, LocalTrouble where the disk does not take a file
 */
export async function carryOut(acts: readonly Act[]): Promise<void> {
  for (const act of acts) {
    if (act.do === 'run') await (act.mayFail ? run(act.words).catch(passRefusal) : run(act.words));
    else if (act.do === 'remove') await rm(act.place, { force: true });
    // It may hold what the environment says of a proxy, a password among that.
    else await storeFile(act.place, act.bytes, 0o600);
  }
}

/** What a program prints. Throws ClientError `no_background` when it fails, or is not there. */
export async function run([program, ...words]: Words): Promise<string> {
  try {
    return (await promisify(execFile)(program, words)).stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    const why = systemCode(error) === 'ENOENT' ? 'it is not on this machine' : said || messageOf(error);
    throw new ClientError('no_background', `${[program, ...words].join(' ')}: ${why}`, { cause: error });
  }
}

function passRefusal(error: unknown): void {
  if (!(error instanceof ClientError)) throw error;
}
