import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { z } from 'zod';
import { type Service, startService } from '../support/service.ts';

/** CloudWatch's embedded metric format: a log line that says which of its fields are metrics. */
const Embedded = z.looseObject({
  _aws: z.object({
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string(),
        Dimensions: z.array(z.array(z.string())),
        Metrics: z.array(z.object({ Name: z.string(), Unit: z.string() })),
      }),
    ),
  }),
});

/** Names of the figures that the alarms and the dashboard read; that of throttled requests comes from the access log. */
const watched = await readWatched();

async function readWatched(): Promise<string[]> {
  const text = await readFile(join(inject('assembly'), 'TidemarkOperations.template.json'), 'utf8');
  const { Resources } = JSON.parse(text) as { Resources: Record<string, { Type: string; Properties: unknown }> };
  const inAlarms = [...text.matchAll(/"MetricName": "(\w+)",\s+"Namespace": "Tidemark"/g)].map(([, name]) => name!);
  const dashboard = Object.values(Resources).find(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
  const inDashboard = [...JSON.stringify(dashboard).matchAll(/\\"Tidemark\\",\\"(\w+)\\"/g)].map(([, name]) => name!);
  return [...new Set([...inAlarms, ...inDashboard])].filter((name) => name !== 'Throttled').sort();
}

let service: Service;

beforeAll(async () => {
  service = await startService();
  const user = await service.signUp();
  await user.save('a', randomBytes(10));
  const garbage = { key: null, value: Buffer.from('no event'), timestamp: Date.now() };
  await service.cloud.services.stream.append('file-changed', 0, [garbage]);
  await service.cloud.invoke('Gc', {});
});

afterAll(() => service.stop());

async function linesOf(name: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(service.data, 'logs', name), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function embeddedLines(): Promise<z.infer<typeof Embedded>[]> {
  const lines = await Promise.all((await readdir(join(service.data, 'logs'))).map(linesOf));
  return lines.flat().flatMap((line) => Embedded.safeParse(line).data ?? []);
}

test('there are figures to watch', () => {
  expect(watched).toEqual([
    'BlocksDeleted',
    'GcLag',
    'NotifyAge',
    'NotifyLag',
    'OutboxAge',
    'Published',
    'Pushes',
    'PushesLost',
    'Unreadable',
  ]);
});

test.each(watched)('%s is printed as CloudWatch takes it, under the name of the service', async (name) => {
  const line = await vi.waitFor(async () => {
    const found = (await embeddedLines()).find((entry) => name in entry);
    expect(found, `a line with ${name}`).toBeDefined();
    return found!;
  }, 20_000);
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics as [never] &
    typeof line._aws.CloudWatchMetrics;
  expect({ Namespace, Dimensions, service: line.service }).toEqual({
    Namespace: 'Tidemark',
    Dimensions: [['service']],
    service: 'tidemark',
  });
  expect((Metrics as { Name: string }[]).map(({ Name }) => Name)).toContain(name);
  expect([line[name]].flat()[0]).toEqual(expect.any(Number));
});

test('the id of a request is in the log of the function that answered it, with its trace, and of the one that pushed', async () => {
  const pushed = await vi.waitFor(async () => {
    const found = (await linesOf('Notify.log')).find(({ message }) => message === 'pushed');
    expect(found).toBeDefined();
    return found!;
  }, 20_000);
  const answered = (await linesOf('Finalize.log')).find(({ message }) => message === 'answered');
  expect(pushed.requests).toEqual([answered?.request]);
  expect(answered?.xray_trace_id).toMatch(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/);
});
