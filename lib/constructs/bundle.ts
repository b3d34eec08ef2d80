import { createHash } from 'node:crypto';
import { cpSync, existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import { buildSync, type OutputFile } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const handlers = join(root, 'lambdas');
const migrations = join(root, 'migrations');

// kafkajs and pg are CommonJS and call require() for Node's own modules, which an ES module does not have.
const banner =
  "import{createRequire as $createRequire}from'node:module';const require=$createRequire(import.meta.url);";

// Parts of the SDK that a function never runs, and that would be a third of a bundle: a function finds its credentials in
// its environment, not through clients of their own, and streams no events. And pg's parser of connection strings.
const neverRun = {
  '@aws-sdk/credential-provider-node': join(handlers, 'shared/runtime/credentials.ts'),
  '@aws-sdk/credential-providers': join(handlers, 'shared/runtime/credentials.ts'),
  '@smithy/core/event-streams': join(handlers, 'shared/runtime/no-event-streams.ts'),
  'pg-connection-string': join(handlers, 'shared/runtime/no-connection-strings.ts'),
};

let bundles: Map<string, OutputFile[]> | undefined;

/**
 * The code of one function: `lambdas/<folder>/handler.ts` with all it imports in one ES module.
 *
 * NodejsFunction would start `npx esbuild` once per function. One in-process build of all of them parses
 * what they share once and takes about a second in all.
 * @param folder name of the function's folder
 * @param files folders that the function reads at run time, copied beside the module
 * @throws Error when the folder holds no handler
 */
export function bundledCode(folder: string, files: readonly string[] = []): Code {
  const source = join(handlers, folder);
  if (!existsSync(join(source, 'handler.ts'))) {
    throw new Error(
      `The function ${folder} has no code: write lambdas/${folder}/handler.ts, or remove the function from lib/.`,
    );
  }
  return Code.fromAsset(source, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      image: DockerImage.fromRegistry('never-pulled'),
      local: {
        tryBundle: (outputFolder) => {
          bundles ??= bundleAll();
          for (const file of bundles.get(folder) ?? []) {
            writeFileSync(join(outputFolder, basename(file.path)), file.contents);
          }
          for (const path of files) cpSync(path, join(outputFolder, basename(path)), { recursive: true });
          return true;
        },
      },
    },
  });
}

/** Output files by function folder. */
function bundleAll(): Map<string, OutputFile[]> {
  const folders = globSync('*/handler.ts', { cwd: handlers }).map((path) => dirname(path));
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: folders.map((folder) => ({ in: `lambdas/${folder}/handler.ts`, out: `${folder}/index` })),
    // Nothing is written there: source maps name their sources relative to it, so that the hash of a
    // bundle is the same on every machine.
    outdir: join(root, 'cdk.out'),
    write: false,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outExtension: { '.js': '.mjs' },
    mainFields: ['module', 'main'],
    banner: { js: banner },
    // Parts of pg that it loads where they are asked for: its other driver, over the C library, by an environment; the reader
    // of password files, by a connection without a password.
    external: ['*/native', 'pgpass'],
    alias: neverRun,
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  });
  return Map.groupBy(outputFiles, (file) => basename(dirname(file.path)));
}

/** The folder of SQL that the function migrate applies, and a hash that changes with any of its files. */
export function migrationFiles(): { path: string; hash: string } {
  const names = globSync('**/*.sql', { cwd: migrations }).sort();
  if (names.length === 0) throw new Error('There are no migrations: write migrations/shard/0001-<what>.sql.');
  const hash = createHash('sha256');
  for (const name of names) hash.update(`${name}\n`).update(readFileSync(join(migrations, name)));
  return { path: migrations, hash: hash.digest('hex') };
}
