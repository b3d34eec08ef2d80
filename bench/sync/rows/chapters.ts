import { createRequire } from 'node:module';
import type { Link } from '../link/link.ts';
import type { Chapter, Sizes } from './chapter.ts';
import { largeFiles } from './large-files.ts';
import { manyFiles } from './many-files.ts';

const MIB = 1024 * 1024;
const require = createRequire(import.meta.url);

export const chapters: readonly Chapter[] = [...manyFiles, ...largeFiles];

export function isInstalled({ needs = [] }: Chapter): boolean {
  try {
    for (const file of needs) require.resolve(file);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param divisor makes everything smaller, to look at the benchmark itself
 * @param huge makes the large file ten times as large
 */
export function sizesOf(link: Link | undefined, { divisor, huge }: { divisor: number; huge: boolean }): Sizes {
  const part = (value: number, least = 2): number => Math.max(least, Math.floor(value / divisor));
  return {
    files: part(5000, 10),
    deleted: part(2000),
    saves: part(10),
    large: part((link ? 128 : 1024) * MIB * (huge ? 10 : 1), MIB),
    log: part(52 * MIB, MIB),
    records: part(270_000, 1000),
  };
}
