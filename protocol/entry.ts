import * as z from 'zod';
import { Hash } from './hash.ts';
import { limits } from './limits.ts';
import { Version } from './numbers.ts';
import { Path } from './path.ts';

/** One block of a file: its SHA-256 and its size in bytes. */
export const Block = z.strictObject({ hash: Hash, size: z.int().min(1).max(limits.blockBytes) });
export type Block = z.infer<typeof Block>;

/** A link is a symbolic one: its content is where it points, relative to where it lies. */
export const Kind = z.enum(['file', 'directory', 'link']);
export type Kind = z.infer<typeof Kind>;

/** What is stored at a path, less its blocks. `mtime_ms` is a hint for people; it never decides a conflict. */
export const Attributes = z.strictObject({
  path: Path,
  kind: Kind,
  /** Bytes; the sum of the block sizes, 0 for a directory. */
  size: z.int().min(0),
  /** Milliseconds since 1970; any integer, since file systems hold odd ones. */
  mtime_ms: z.int(),
  /** POSIX permission bits. */
  mode: z.int().min(0).max(0o7777),
});

/** A version that is current or in the history: attributes, the version number at its path, and its blocks in order. */
export const Entry = Attributes.extend({ version: Version, blocks: z.array(Block) });
export type Entry = z.infer<typeof Entry>;
