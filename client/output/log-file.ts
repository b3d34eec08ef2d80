import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Writable } from 'node:stream';
import { formatTime } from '../common/format.ts';
import { RotatingFile } from './rotating-file.ts';

const MOST_BYTES = 2_000_000;

/**
 * What takes the lines of a program that runs in the background, each with the time.
 * @param plain without it, as lines for programs are
 */
export async function logFile(place: string, plain: boolean): Promise<Writable> {
  await mkdir(dirname(place), { recursive: true, mode: 0o700 });
  const file = new RotatingFile(place, MOST_BYTES);
  return new Writable({
    write: (chunk, _encoding, done) => {
      for (const line of String(chunk).split('\n')) {
        if (line !== '') file.add(plain ? line : `${formatTime(Date.now())}  ${line}`);
      }
      done();
    },
  });
}
