import { profileNames } from '../../lib/profiles/profiles.ts';
import { deploymentOf } from './deployment.ts';

describe.each(profileNames)('templates of the profile %s', (profile) => {
  test.each(deploymentOf(profile).stacks.map(({ name, template }) => [name, template] as const))(
    '%s is as it was reviewed',
    (_, template) => {
      expect(masked(template)).toMatchSnapshot();
    },
  );
});

/** Without hashes that change with the code of a function or with a migration, and without CDK's own rules. */
function masked(template: object): unknown {
  const { Parameters: _, Rules: __, ...rest } = template as Record<string, unknown>;
  const text = JSON.stringify(rest, (key, value) => (key === 'SqlHash' ? '<hash of the SQL>' : value));
  return JSON.parse(
    text
      .replace(/\b[0-9a-f]{64}(?=\.zip|\.json|")/g, '<asset>')
      .replace(/(CurrentVersion[0-9A-F]{8})[0-9a-f]{32}/g, '$1<code>'),
  );
}
