import { join } from 'node:path';

/** Where processes that begin again and again keep what V8 compiled of their code: half of a cold start is compiling. */
export const compileCache = join(import.meta.dirname, '../node_modules/.cache/compile');
