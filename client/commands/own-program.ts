import { realpathSync } from 'node:fs';
import { isSea } from 'node:sea';

/** The words by which this program is started again: the executable, or Node.js with its file. */
export function ownProgram(): readonly [string, ...string[]] {
  return isSea() ? [process.execPath] : [process.execPath, realpathSync(process.argv[1]!)];
}
