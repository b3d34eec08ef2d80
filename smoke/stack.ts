import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/**
 * The output ApiUrl of a deployed stack, asked with the credentials and the region of the environment.
 * @throws Error that says what to do where the stack has none
 */
export async function apiUrlOf(stack: string): Promise<string> {
  const { Stacks = [] } = await new CloudFormationClient({}).send(new DescribeStacksCommand({ StackName: stack }));
  const url = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'ApiUrl')?.OutputValue;
  if (url !== undefined) return url;
  throw new Error(`the stack ${stack} has no output ApiUrl: name the one with the HTTP API, TidemarkApi`);
}
