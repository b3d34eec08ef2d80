import { installTools } from '../python/tools.ts';
import { fuseIsPossible } from './disk.ts';

/** Before any test file: installs what the disks of `disk.py` run on. */
export function setup(): void {
  if (fuseIsPossible) installTools();
}
