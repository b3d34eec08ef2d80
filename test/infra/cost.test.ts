import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { alwaysOnLines, calls } from '../../cost/always-on.ts';
import { boundsOf, notify } from '../../cost/capacity.ts';
import { alarmMetricsOf, endpointCount, figures, floorOf, warmFunctions } from '../../cost/floor.ts';
import { memory } from '../../cost/large-file.ts';
import { report, sum } from '../../cost/report.ts';
import { perThousandSyncs, pingLine, usual } from '../../cost/usage.ts';
import { profileNamed, profileNames } from '../../lib/profiles/profiles.ts';
import { deploymentOf } from './deployment.ts';

const docs = readFileSync(join(import.meta.dirname, '../../docs/profiles.md'), 'utf8');

describe.each(profileNames)('the cost of %s', (name) => {
  const { resources, functions } = deploymentOf(name);
  const profile = profileNamed(name);

  test('counts the endpoints of the template, in all their zones', () => {
    const endpoints = resources('AWS::EC2::VPCEndpoint').filter(({ properties }) => 'SubnetIds' in properties);
    const zones = endpoints.flatMap(({ properties }) => properties.SubnetIds as unknown[]);
    expect(endpointCount(profile)).toBe(zones.length);
  });

  test('counts instances, secrets and proxies of the template', () => {
    const because = (what: string) => floorOf(profile).find((line) => line.what === what)?.because;
    expect(because('Aurora')).toMatch(new RegExp(`^${resources('AWS::RDS::DBInstance').length} instances`));
    expect(because('secrets')).toBe(String(resources('AWS::SecretsManager::Secret').length));
    expect(because('RDS Proxy') !== undefined).toBe(resources('AWS::RDS::DBProxy').length > 0);
    expect(because('KMS key')).toBe(String(resources('AWS::KMS::Key').length));
  });

  test('counts the metrics that alarms read', () => {
    const read = resources('AWS::CloudWatch::Alarm').flatMap(({ properties }) => {
      const metrics = properties.Metrics as { MetricStat?: unknown }[] | undefined;
      return metrics ? metrics.filter(({ MetricStat }) => MetricStat !== undefined) : [properties.MetricName];
    });
    expect(alarmMetricsOf(profile)).toBe(read.length);
  });

  test('counts the functions that are kept warm', () => {
    const aliases = resources('AWS::Lambda::Alias').map(({ path }) => path.split('/').at(-3));
    const kept = profile.uploads
      ? [...Object.keys(warmFunctions.uploads), ...Object.keys(warmFunctions.downloads)]
      : [];
    expect(aliases.sort()).toEqual(kept.sort());
    const memory = { ...warmFunctions.uploads, ...warmFunctions.downloads };
    for (const fn of functions.filter((one) => one.name in memory)) {
      expect({ name: fn.name, mb: fn.properties.MemorySize }).toEqual({
        name: fn.name,
        mb: memory[fn.name as 'Locate'],
      });
    }
  });

  test('is in docs/profiles.md, for each month that its table has', () => {
    const row = docs.split('\n').find((line) => line.startsWith(`| \`${name}\``))!;
    const idle = sum(floorOf(profile));
    const used = /^in all: \$([\d,.]+)/m.exec(report(name, profile, { ...usual, users: 50 }))![1]!;
    const months = [idle, idle + sum(alwaysOnLines(profile, usual.alwaysOn)), Number(used.replaceAll(',', ''))];
    const written = row
      .split('|')
      .slice(3, 6)
      .map((cell) => cell.trim());
    expect(written).toEqual(months.map((dollars) => `$${Math.round(dollars).toLocaleString('en-US')}`));
  });
});

test('the metrics that are read out of logs are counted', () => {
  const { resources } = deploymentOf('team');
  const drawn = JSON.stringify(resources('AWS::CloudWatch::Dashboard')).matchAll(/\\"Tidemark\\",\\"(\w+)\\"/g);
  const alarmed = JSON.stringify(resources('AWS::CloudWatch::Alarm')).matchAll(
    /"MetricName":"(\w+)","Namespace":"Tidemark"/g,
  );
  expect(new Set([...drawn, ...alarmed].map(([, name]) => name)).size).toBe(figures);
});

test('what a large file and an idle device call has the memory of the template', () => {
  const { functions } = deploymentOf('team');
  const idle = Object.entries(calls).map(([name, { mb }]) => ({ name, mb }));
  for (const { name, mb } of [...memory, ...idle, { name: 'Notify', mb: notify.mb }]) {
    expect({ name, mb }).toEqual({ name, mb: functions.find((each) => each.name === name)?.properties.MemorySize });
  }
});

test.each(profileNames)('no profile promises more than its relays and notify carry: %s', (name) => {
  const profile = profileNamed(name);
  const bounds = boundsOf(profile);
  const least = Math.min(...bounds.map(({ perSecond }) => perSecond));
  const row = docs.split('\n').find((line) => line.startsWith(`| \`${name}\``))!;
  expect(row.split('|').at(-2)!.trim()).toBe(least.toLocaleString('en-US'));
  for (const what of ['relay', 'notify']) {
    expect(bounds.find((bound) => bound.what === what)!.perSecond).toBeGreaterThan(least);
  }
});

test('the price of 1,000 syncs is in docs/profiles.md', () => {
  expect(docs).toContain(`$${sum(perThousandSyncs()).toFixed(3)} per 1,000 syncs`);
});

test('what a device that is always on costs in pings is in docs/profiles.md', () => {
  const { dollars } = pingLine((730 * 3600) / 45);
  expect(docs).toContain(`costs $${dollars.toFixed(2)} a month in pings`);
});

test('the example in docs/profiles.md is what the command prints', () => {
  expect(docs).toContain(`\n${report('team', profileNamed('team'), { ...usual, users: 50 })}\n`);
});
