/*
 * Loaded into a device before its own code: at SIGUSR2 it collects what nobody needs any more and writes down what is
 * left, into the file that `figuresPlace` names.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { figuresPlace } from './figures.ts';

process.on('SIGUSR2', () => {
  globalThis.gc?.();
  const place = figuresPlace(process.pid);
  writeFileSync(`${place}.new`, JSON.stringify(process.memoryUsage()));
  renameSync(`${place}.new`, place);
});
