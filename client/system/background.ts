/**
 * The system's own ways to run a program in the background: systemd, launchd, the task scheduler of Windows. Pure: what
 * each is to be told, as texts and words; it knows nothing of syncing.
 */

import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** A program that the system is to run for its user from sign-in on, and to start again when it fails. */
export interface Background {
  /** By which the system knows it. */
  readonly name: string;
  /** For people. */
  readonly description: string;
  /** The program and its words. */
  readonly words: readonly [program: string, ...words: string[]];
  readonly environment: Readonly<Record<string, string>>;
}

/** What is done, in order. What `mayFail` was so already. */
export type Act =
  | { readonly do: 'write'; readonly place: string; readonly bytes: Uint8Array }
  | { readonly do: 'remove'; readonly place: string }
  | { readonly do: 'run'; readonly words: readonly [string, ...string[]]; readonly mayFail?: true };

/** How one kind of system runs things in the background. */
export interface Manager {
  /** For people. */
  readonly kind: string;
  /** Where lies what tells the system of it. */
  readonly place: string;
  readonly install: readonly Act[];
  readonly start: readonly Act[];
  readonly stop: readonly Act[];
  readonly uninstall: readonly Act[];
  /** A question to the system, which fails where it does not know of it. */
  readonly query: readonly [string, ...string[]];
  /** The answer in words for people, as far as it can be understood. */
  readonly describe: (answer: string) => string | undefined;
}

/** Variables by which a program finds the network: what the user set is kept. */
const keptVariables = [
  'NODE_USE_ENV_PROXY',
  'NODE_EXTRA_CA_CERTS',
  ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]),
];

/** What of the environment goes along. */
export function keptEnvironment(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    keptVariables.flatMap((name) => {
      const value = environment[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

/** The name of the background sync of a configuration: each has its own. */
export function nameFor(configFolder: string, defaultFolder: string): string {
  if (configFolder === defaultFolder) return 'tidemark';
  const readable = basename(configFolder)
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 32);
  return `tidemark-${readable}-${createHash('sha256').update(configFolder).digest('hex').slice(0, 6)}`;
}
