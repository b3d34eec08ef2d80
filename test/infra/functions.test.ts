import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { boundsOf } from '../../cost/capacity.ts';
import { profileNamed, profileNames } from '../../lib/profiles/profiles.ts';
import { functionNames, functionProblems } from './checks/functions.ts';
import { handlerProblems } from './checks/handlers.ts';
import { quotaProblems, variableProblems } from './checks/quotas.ts';
import { deploymentOf } from './deployment.ts';

/** Network interfaces have no ARN before they exist. */
const interfaceAction = /^ec2:(Assign|Create|Delete|Describe|Unassign)/;

describe.each(profileNames)('functions of the profile %s', (profile) => {
  const { functions } = deploymentOf(profile);

  test('are the folders of lambdas/', () => {
    const folders = readdirSync(join(import.meta.dirname, '../../lambdas'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== 'shared')
      .map(({ name }) => name);
    const kebab = functionNames.map((id) => id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase());
    expect(kebab.sort()).toEqual(folders.sort());
  });

  test('have their size, place, variables and rights, and nothing else', () => {
    expect(functionProblems(deploymentOf(profile))).toEqual([]);
  });

  test('have their handlers in their code', async () => {
    expect(await handlerProblems(deploymentOf(profile), deploymentOf('dev'))).toEqual([]);
  }, 60_000);

  test('fit into Lambda, and into an account that has what the profile asks for', () => {
    expect(variableProblems(deploymentOf(profile))).toEqual([]);
    const asked = boundsOf(profileNamed(profile)).find(({ what, raise }) => what === 'Lambda' && raise)?.raise;
    const concurrency = asked ? Number(asked.match(/to ([\d,]+)$/)![1]!.replace(',', '')) : 10;
    expect({ asked, problems: quotaProblems(deploymentOf(profile), { concurrency }) }).toEqual({ asked, problems: [] });
  });

  test('hold no wildcard action, and a right on every resource only where AWS has no finer one', () => {
    const statements = functions.flatMap((fn) => [...fn.statements, ...fn.runtime]);
    expect(statements.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
    const everywhere = statements.filter(({ resources }) => resources.includes('*')).flatMap(({ actions }) => actions);
    expect(everywhere.filter((action) => !/^(ec2:Describe|xray:Put)/.test(action))).toEqual([]);
  });

  test('are run by Lambda with a log group of their own, and network interfaces in the VPC only', () => {
    for (const { name, properties, runtime } of functions) {
      const actions = runtime.flatMap((statement) => statement.actions);
      expect({ name, logs: actions.filter((action) => action.startsWith('logs:')) }).toEqual({
        name,
        logs: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      });
      expect({ name, interfaces: actions.some((action) => interfaceAction.test(action)) }).toEqual({
        name,
        interfaces: 'VpcConfig' in properties,
      });
    }
  });

  test('that write to sockets or close them sit outside the VPC, where @connections can be reached', () => {
    const pushing = functions.filter(({ statements }) =>
      statements.some(({ actions }) => actions.includes('execute-api:ManageConnections')),
    );
    expect(pushing.map(({ name }) => name).sort()).toEqual(['Connect', 'HangUp', 'Notify', 'SocketMessage']);
    for (const { properties } of pushing) expect(properties).not.toHaveProperty('VpcConfig');
  });

  test('sign in to the database as the user that fits their job', () => {
    const users = functions.filter(({ environment }) => 'DATABASE_USER' in environment);
    for (const { name, environment, statements } of users) {
      const user = name === 'Migrate' || name === 'Admin' ? 'tidemark_migrate' : 'tidemark_app';
      expect(environment.DATABASE_USER).toBe(user);
      const connect = statements.find(({ actions }) => actions.includes('rds-db:connect'));
      expect(JSON.stringify(connect?.resources)).toContain(`/${user}"`);
    }
  });
});
