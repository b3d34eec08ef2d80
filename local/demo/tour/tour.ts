import { formatTable } from '../../../cli/table.ts';
import { formatBytes, formatDuration } from '../format.ts';
import { firstDifference } from './folders.ts';
import type { StepResult } from './measure.ts';
import { type Tour, tourSteps } from './steps.ts';

/**
 * Runs the tour, printing a line as each step ends, then the table; `json` ends with the same as one line of JSON.
 * Throws when the folders differ after any step, or when a call was made that a role or the network does not allow.
 */
export async function runTour(tour: Tour, json: boolean, print: (line: string) => void): Promise<void> {
  const steps: StepResult[] = [];
  for await (const result of tourSteps(tour)) {
    steps.push(result);
    print(`  ${result.step}: on the other device after ${formatDuration(result.converge_ms)}`);
  }
  const difference = await firstDifference(tour.laptop.folder, tour.desktop.folder);
  if (difference !== undefined) throw new Error(`the folders differ at the end: ${difference}`);
  const refused = tour.problems.lines().filter((line) => /^(access|network):/.test(line));
  if (refused.length > 0) throw new Error(`AWS would have refused calls:\n${refused.join('\n')}`);
  print(`\n${table(steps)}\n\nboth folders are identical, byte by byte`);
  if (json) print(JSON.stringify({ steps, identical: true }));
}

function table(steps: readonly StepResult[]): string {
  const header = ['step', 'files', 'file bytes', 'uploaded', 'in all requests', 'downloaded', 'to the other device'];
  const rows = steps.map((result) => [
    result.step,
    String(result.files),
    formatBytes(result.file_bytes),
    formatBytes(result.uploaded_bytes),
    formatBytes(result.request_bytes),
    formatBytes(result.downloaded_bytes),
    formatDuration(result.converge_ms),
  ]);
  return formatTable([header, ...rows], [0]);
}
