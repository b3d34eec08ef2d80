import type { About, Statements } from './about.ts';
import { blockStatements } from './of-blocks.ts';
import { shardStatements } from './of-shards.ts';

/** Every statement that requests, the relay, the sweep and the audit run against tables that grow. */
export function hotStatements(about: About): Statements {
  return { ...shardStatements(about), ...blockStatements(about) };
}
