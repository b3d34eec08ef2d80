import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { median } from '../statistics.ts';

const RUNS = 15;
const root = join(import.meta.dirname, '..', '..');

/** The first call in a process of its own and, apart from it, loading the codec: bundled and minified, as it ships. */
export function measureCold(): { cold_ms: number; cold_import_ms: number } {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  try {
    const bundle = join(folder, 'codec.mjs');
    buildSync({
      entryPoints: [join(root, 'codec/index.ts')],
      outfile: bundle,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      minify: true,
    });
    const runs = Array.from({ length: RUNS }, () => {
      const { stdout } = spawnSync(process.execPath, [join(import.meta.dirname, 'cold.ts'), bundle], {
        encoding: 'utf8',
      });
      return JSON.parse(stdout) as { import_ms: number; call_ms: number };
    });
    return {
      cold_ms: median(runs.map(({ call_ms }) => call_ms)),
      cold_import_ms: median(runs.map(({ import_ms }) => import_ms)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
