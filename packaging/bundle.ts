import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

const root = join(import.meta.dirname, '..');

/** The oldest Node.js that has all that the programs use: Zstandard came with it. */
export const leastNode = '22.15.0';

/**
 * Runs before anything that an older Node.js lacks is asked for, and says what is missing instead of a stack trace.
 * Node.js 22 warns at every start that its SQLite is experimental; no user can do anything about that.
 */
const prelude = `{
  const version = (text) => text.split('.').map(Number);
  const [major, minor] = version(process.versions.node), least = version('${leastNode}');
  if (major < least[0] || (major === least[0] && minor < least[1])) {
    console.error('tidemark needs Node.js ${leastNode} or newer; this is ' + process.versions.node);
    process.exit(1);
  }
  const { emitWarning } = process;
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).startsWith('SQLite is')) emitWarning.call(process, warning, ...rest);
  };
}`;

export interface Bundle {
  /** CommonJS, without a line that names its interpreter. */
  readonly code: string;
  /** The packages that are inside, by their folders. */
  readonly packages: readonly string[];
}

/**
 * A program as one file that needs nothing but Node.js: a single executable takes no module that imports files. Workers
 * and WebAssembly are inside.
 *
 * @param entry its `main.ts`, relative to the repository
 */
export async function bundle(entry: string): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    ...options,
    entryPoints: [entry],
    banner: { js: prelude },
    plugins: [inlineWorker],
    metafile: true,
  });
  const folders = Object.keys(metafile.inputs).flatMap(
    (file) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  );
  return {
    code: outputFiles[0]!.text.replace(/^#!.*\n/, ''),
    packages: [...new Set(folders)].sort(),
  };
}

const options = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  // The names of errors are printed.
  keepNames: true,
  platform: 'node',
  target: `node${leastNode}`,
  format: 'cjs',
  write: false,
  legalComments: 'none',
  logLevel: 'warning',
} as const;

/** Nothing lies beside a bundle: a worker is started from its text. */
const inlineWorker: Plugin = {
  name: 'inline-worker',
  setup({ onLoad }) {
    onLoad({ filter: /codec[/\\]node[/\\]start-worker\.ts$/ }, async () => {
      const { outputFiles } = await build({ ...options, entryPoints: ['codec/node/worker.ts'] });
      return {
        contents: `import { Worker } from 'node:worker_threads';
          const code = ${JSON.stringify(outputFiles[0]!.text)};
          export const startWorker = () => new Worker(code, { eval: true });`,
        resolveDir: root,
      };
    });
  },
};
