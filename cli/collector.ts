import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

interface Collect {
  (options: { readonly type: 'minor' }): void;
  (options: { readonly type: 'major'; readonly execution: 'async'; readonly flavor: 'last-resort' }): Promise<void>;
}

let found: Collect | undefined;

/** The runtime's collector of what nobody needs any more. */
export function collector(): Collect {
  if (!found) {
    // The runtime has no other name for it in a process that was started without this flag.
    setFlagsFromString('--expose-gc');
    found = runInNewContext('gc') as Collect;
  }
  return found;
}
