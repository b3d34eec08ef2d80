import type { Counters } from '../counters.ts';

/** What the local cloud's process is asked for. */
export type Question = { readonly ask: 'user'; readonly username: string } | { readonly ask: 'counters' };

export type Reply =
  | { readonly reply: 'started'; readonly api: string; readonly ca: string }
  | { readonly reply: 'user' }
  | { readonly reply: 'counters'; readonly counters: Counters };

/** Of every user. */
export const PASSWORD = 'Tidemark-bench-1';
