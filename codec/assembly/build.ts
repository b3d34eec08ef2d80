/* Builds the kernel as a WebAssembly module: `npm run build:codec` writes it to codec/assembly/module.ts. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { MEMORY_BYTES } from '../kernel/layout.ts';

const root = join(import.meta.dirname, '../..');
const portable = 'codec/kernel/machine.ts';
const simd = 'codec/assembly/machine.ts';

const pages = Math.ceil(MEMORY_BYTES / 65536);

const flags = [
  ...['--runtime', 'stub'],
  ...['--use', 'abort='],
  ...['--enable', 'simd,bulk-memory'],
  // All of it from the start, and never more: growing it later takes milliseconds.
  ...['--initialMemory', String(pages), '--maximumMemory', String(pages)],
  ...['--optimizeLevel', '3', '--shrinkLevel', '0', '--converge', '--noAssert'],
];

/** Compiles the sources in codec/kernel with the SIMD machine. Throws what the compiler reports. */
export async function buildKernel(): Promise<Uint8Array> {
  let module: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ['codec/kernel/kernel.ts', ...flags, '--outFile', 'kernel.wasm', '--baseDir', root],
    {
      readFile: (name) => {
        // Imports say ".ts", as Node wants it, and the compiler adds another one.
        const path = name.replace(/(\.ts)+$/, '.ts');
        try {
          return readFileSync(join(root, path === portable ? simd : path), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (_, contents) => {
        if (contents instanceof Uint8Array) module = contents;
      },
      listFiles: () => [],
    },
  );
  if (error || !module) throw new Error(`the kernel does not compile: ${error?.message}\n${stderr}`);
  return module;
}

/** The source of codec/assembly/module.ts. */
export function moduleSource(kernel: Uint8Array): string {
  return [
    '// Built from codec/kernel by `npm run build:codec`.',
    `export const kernelModule =\n  '${Buffer.from(kernel).toString('base64')}';`,
    '',
  ].join('\n');
}

if (import.meta.main) {
  const kernel = await buildKernel();
  writeFileSync(join(import.meta.dirname, 'module.ts'), moduleSource(kernel));
  console.log(`codec/assembly/module.ts holds ${kernel.length} bytes of WebAssembly`);
}
