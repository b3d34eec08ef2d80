/* `npm run bench -- codec [--json]`: prints a table, or with --json one line of JSON. */
import { parseArgs } from 'node:util';
import { benchCodec } from './codec/bench.ts';

const benchmarks: Record<string, (json: boolean) => Promise<void>> = { codec: benchCodec };

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const benchmark = benchmarks[positionals[0] ?? ''];
if (!benchmark) {
  console.error(`Name one of: ${Object.keys(benchmarks).join(', ')}`);
  process.exit(1);
}
await benchmark(values.json);
