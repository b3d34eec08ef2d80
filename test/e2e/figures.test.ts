import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type Service, startService } from '../support/service.ts';

interface Filter {
  readonly name: string;
  readonly logGroup: string;
  readonly message: string;
  /** `$.field`, or a number. */
  readonly value: string;
}

interface Resource {
  readonly Type: string;
  readonly Properties: {
    readonly FilterPattern: string;
    readonly LogGroupName: unknown;
    readonly MetricTransformations: readonly { readonly MetricName: string; readonly MetricValue: string }[];
  };
}

const filters = await readFilters();

/** The metric filters on lines that functions print; the one on the API's access log reads what API Gateway prints. */
async function readFilters(): Promise<Filter[]> {
  const file = join(inject('assembly'), 'TidemarkOperations.template.json');
  const { Resources } = JSON.parse(await readFile(file, 'utf8'));
  return Object.values(Resources as Record<string, Resource>)
    .filter(({ Type }) => Type === 'AWS::Logs::MetricFilter')
    .map(({ Properties: { FilterPattern, LogGroupName, MetricTransformations } }) => ({
      name: MetricTransformations[0]!.MetricName,
      value: MetricTransformations[0]!.MetricValue,
      logGroup: /OutputRef(\w+?)Logs/.exec(JSON.stringify(LogGroupName))?.[1] ?? '',
      message: /\$\.message = "(.*)"/.exec(FilterPattern)?.[1] ?? '',
    }))
    .filter(({ message }) => message !== '');
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
  const text = await readFile(join(service.data, 'logs', `${name}.log`), 'utf8').catch(() => '');
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test.each(filters)('$name is read from what $logGroup prints', async ({ logGroup, message, value }) => {
  const line = await vi.waitFor(async () => {
    const found = (await linesOf(logGroup)).find((entry) => entry.message === message);
    expect(found, `a line "${message}" of ${logGroup}`).toBeDefined();
    return found!;
  }, 20_000);
  if (value.startsWith('$.')) expect(line[value.slice(2)]).toEqual(expect.any(Number));
});

test('the id of a request is in the log of the function that answered it, and of the one that pushed', async () => {
  const pushed = await vi.waitFor(async () => {
    const found = (await linesOf('Notify')).find(({ message }) => message === 'pushed');
    expect(found).toBeDefined();
    return found!;
  }, 20_000);
  const answered = (await linesOf('Finalize')).find(({ message }) => message === 'answered');
  expect(pushed.requests).toEqual([answered?.request]);
});
