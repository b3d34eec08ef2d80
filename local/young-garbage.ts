import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes after which memory of what passed is given back. */
const EACH_BYTES = 8 * 1024 * 1024;

type Collect = (options: { readonly type: 'minor' }) => void;

let collect: Collect | undefined;
let bytes = 0;

/**
 * Notes bytes that came in buffers which nobody needs any more. Of those the runtime sees small objects, for which it
 * would look through all of its heap once their bytes are many; the young objects alone are looked through in a
 * millisecond.
 */
export function notePassed(passed: number): void {
  bytes += passed;
  if (bytes < EACH_BYTES) return;
  bytes = 0;
  if (!collect) {
    // The runtime has no other name for it in a process that was started without this flag.
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  collect({ type: 'minor' });
}
