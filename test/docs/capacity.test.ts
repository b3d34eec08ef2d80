import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CLIENTS, PER_SECOND } from '../../bench/reconnect/bench.ts';
import { report } from '../../bench/reconnect/report.ts';
import { storm } from '../../bench/reconnect/storm.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/capacity.md'), 'utf8');

test('10,000 clients that lose their sockets at once are back within 60 s, as docs/capacity.md shows', async () => {
  const lost = { clients: CLIENTS, perSecond: PER_SECOND };
  const outcome = await storm(lost);
  expect(outcome.back).toHaveLength(CLIENTS);
  expect(outcome.back.at(-1)).toBeLessThan(60_000);
  expect(docs).toContain(`\n${report(lost, outcome)}\n`);
});
