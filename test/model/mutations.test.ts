import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome, Task } from './mutant.ts';
import { mutations } from './mutations.ts';
import { startServers } from './servers.ts';

let servers: Awaited<ReturnType<typeof startServers>>;

beforeAll(async () => {
  servers = await startServers();
});
afterAll(() => servers?.stop());

const program = join(import.meta.dirname, 'mutant.ts');

test.each(mutations.map((mutation, index) => ({ index, ...mutation })))(
  'is noticed: $mistake',
  { timeout: 120_000 },
  async ({ index, breaks, ...mutation }) => {
    const task: Task = { servers: servers.servers, database: `mutant_${index}`, mutation };
    const child = spawn(process.execPath, [program, JSON.stringify(task)], { stdio: ['ignore', 'pipe', 'pipe'] });
    const [output, problem] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(output, problem).not.toBe('');
    const { failure } = JSON.parse(output) as Outcome;
    expect(failure).toMatch(breaks);
  },
);
