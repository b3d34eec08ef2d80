import { rm } from 'node:fs/promises';
import { expect, inject, onTestFinished, test } from 'vitest';
import { rehearse } from '../../local/rehearsal/rehearse.ts';
import { freePorts } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';

test('a lost database comes back from its backup, and devices bring what it lacks', { timeout: 180_000 }, async () => {
  const data = await scratch('tidemark-rehearsal-');
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const said: string[] = [];
  const outcome = await rehearse({
    assembly: inject('assembly'),
    data,
    port: await freePorts(10),
    files: 6,
    log: (line) => said.push(line),
    print: (line) => said.push(line),
  });
  expect(outcome.lost, `I48: what devices had\n${said.join('\n')}`).toEqual([]);
  expect(outcome.regained).toEqual(
    expect.arrayContaining(['made after.txt', 'made meanwhile.txt', 'renamed after.txt']),
  );
  expect(outcome.cameBack).toEqual(['report 2.txt', 'report 3.txt']);
  expect(outcome.before.changes - outcome.restored.changes).toBeGreaterThan(0);
  expect(outcome.before.devices - outcome.restored.devices, 'the phone').toBe(1);
  expect(Object.keys(outcome.audit.found).filter((kind) => kind !== 'orphan')).toEqual([]);
});
