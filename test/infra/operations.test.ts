import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { deploymentOf } from './deployment.ts';

const runbook = readFileSync(join(import.meta.dirname, '../../docs/operator-runbook.md'), 'utf8');
const sections = [...runbook.matchAll(/^## (\w+)$/gm)].map(([, name]) => name!);

describe.each(profileNames)('the alarms of %s', (profile) => {
  const { resources } = deploymentOf(profile);
  const alarms = resources('AWS::CloudWatch::Alarm').map(({ path, properties }) => ({
    name: path.split('/').at(-2)!,
    ...properties,
  })) as { name: string; AlarmDescription: string; AlarmActions: unknown[]; OKActions: unknown[] }[];

  test('each say what they mean, who is told, and which section of the runbook says what to do', () => {
    for (const { name, AlarmDescription, AlarmActions, OKActions } of alarms) {
      expect({ name, told: [AlarmActions.length, OKActions.length] }).toEqual({ name, told: [1, 1] });
      const link = /^.+\. What to do: docs\/operator-runbook\.md#(\w+)$/.exec(AlarmDescription)?.[1];
      expect({ name, section: sections.map((section) => section.toLowerCase()).includes(link ?? '') }).toEqual({
        name,
        section: true,
      });
    }
  });

  test('cover what people on call have to know', () => {
    const names = alarms.map(({ name }) => name.replace(/[A-Z]$/, ''));
    const known = sections.filter(
      (section) => profile !== 'internet' || !['BrokerDisk', 'BrokerCredit'].includes(section),
    );
    expect([...new Set(names)].sort()).toEqual(known.sort());
  });
});
