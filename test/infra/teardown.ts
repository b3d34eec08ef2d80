import { rmSync } from 'node:fs';
import { ASSEMBLIES } from './synthesis-folder.ts';

export default function teardown(): void {
  rmSync(process.env[ASSEMBLIES]!, { recursive: true });
}
