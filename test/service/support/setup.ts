import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** URL of the process that keeps the shared service. */
    sharedService: string;
  }
}

/** One service for all files of `test/service/`: users are independent of each other, and each start costs seconds. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { assembly, database } = project.getProvidedContext();
  const keeper = spawn(process.execPath, [join(import.meta.dirname, 'keeper.ts'), assembly, database!], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [url] = await once(createInterface({ input: keeper.stdout }), 'line');
  project.provide('sharedService', url as string);
  return async () => {
    keeper.stdin.end();
    await once(keeper, 'exit');
  };
}
