/* Prints how many milliseconds it takes to load a bundle of the codec, and then to make the first delta. */
import { pathToFileURL } from 'node:url';

const base = new Uint8Array(4 * 1024 * 1024);
for (let i = 0; i < base.length; i++) base[i] = Math.imul(i, 0x9e3779b1) >>> 13;
const target = base.slice().fill(0, 1_000_000, 1_000_100);
const bundle = pathToFileURL(process.argv[2]!).href;

const started = performance.now();
const { encodeDelta } = (await import(bundle)) as typeof import('../../codec/index.ts');
const imported = performance.now();
encodeDelta(base, target);
console.log(JSON.stringify({ import_ms: imported - started, call_ms: performance.now() - imported }));
