import type { Report } from './report.ts';

const INTERVAL_MS = 500;

/**
 * Reports at intervals how far the transfer, or the reading, of one file is; call the answer with the bytes of every part
 * that is done.
 */
export function trackProgress(
  report: Report,
  path: string,
  fileBytes: number,
  what: 'reading' | { readonly side: 'local' | 'remote' },
): (bytes: number) => void {
  let [done, reportedAt] = [0, performance.now()];
  return (bytes) => {
    done += bytes;
    if (done >= fileBytes || performance.now() - reportedAt < INTERVAL_MS) return;
    reportedAt = performance.now();
    const progress = { path, bytes: done, file_bytes: fileBytes };
    report(what === 'reading' ? { event: what, ...progress } : { event: 'progress', ...progress, ...what });
  };
}
