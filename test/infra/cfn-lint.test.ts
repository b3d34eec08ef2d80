import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { installTools, pythonIsThere, runTool } from '../support/python/tools.ts';
import { deploymentOf } from './deployment.ts';

/** The first installation takes a minute. */
const LONG_MS = 300_000;

beforeAll(() => {
  if (pythonIsThere) installTools();
}, LONG_MS);

function lint(...templates: string[]): ReturnType<typeof runTool> {
  // W3005: CDK writes DependsOn also where a reference says the same.
  return runTool('cfn-lint', '--regions', 'us-east-1', '--ignore-checks', 'W3005', '--template', ...templates);
}

const describeIfPossible = pythonIsThere ? describe : describe.skip;

describeIfPossible('cfn-lint', () => {
  test.each(profileNames)(
    'finds nothing in the templates of %s',
    (profile) => {
      const { folder, stacks } = deploymentOf(profile);
      const { status, output } = lint(...stacks.map(({ name }) => join(folder, `${name}.template.json`)));
      expect({ status, output }).toEqual({ status: 0, output: '' });
    },
    LONG_MS,
  );

  test(
    'finds nothing in the roles of the workflows',
    () => {
      const file = join(import.meta.dirname, '../../.github/deploy-roles.yaml');
      expect(lint(file)).toEqual({ status: 0, output: '' });
    },
    LONG_MS,
  );

  test(
    'finds what is wrong',
    () => {
      const file = join(deploymentOf('dev').folder, 'wrong.json');
      writeFileSync(file, '{"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"Name": "blocks"}}}}');
      expect(lint(file).output).toContain("'Name' was unexpected");
    },
    LONG_MS,
  );
});
