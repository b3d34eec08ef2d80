/** A benchmark: prints a table, or with `json` its figures as one line of JSON; `words` are all of its options. */
type Bench = (options: { json: boolean; words: readonly string[] }) => Promise<void>;

const benches: Record<string, () => Promise<{ run: Bench; usage?: string }>> = {
  codec: () => import('./codec/bench.ts'),
  'cold-start': () => import('./cold-start.ts'),
  load: () => import('./load/bench.ts'),
  memory: () => import('./memory/bench.ts'),
  metadata: () => import('./metadata/bench.ts'),
  network: () => import('./network/bench.ts'),
  notify: () => import('./notify/bench.ts'),
  reconnect: () => import('./reconnect/bench.ts'),
  scale: () => import('./scale/bench.ts'),
  sync: () => import('./sync/bench.ts'),
};

const [name, ...options] = process.argv.slice(2);
const bench = benches[name ?? ''];
if (!bench) {
  console.error(`usage: npm run bench -- NAME [--json], with one of these names: ${Object.keys(benches).join(', ')}`);
  process.exitCode = 2;
} else {
  const { run, usage = `usage: npm run bench -- ${name} [--json]` } = await bench();
  if (options.includes('--help')) console.log(usage);
  else await run({ json: options.includes('--json'), words: options });
}
