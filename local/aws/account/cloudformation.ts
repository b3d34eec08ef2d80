import type { AccountFigures } from '../../account.ts';
import type { Access } from '../access.ts';
import { type JsonApi, unknownOperation } from '../json-api.ts';
import { formOf, sendXml } from './query.ts';

/** What CloudFormation tells of the stacks in the account. */
export function createCloudFormation(account: AccountFigures, access: Access): JsonApi {
  return {
    service: 'cloudformation',
    async handle({ response, principal, body }) {
      const action = formOf(body).get('Action') ?? '';
      if (action !== 'DescribeStacks') throw unknownOperation('CloudFormation', action);
      access.demand(principal, 'cloudformation:DescribeStacks', '*');
      const listed = Object.entries(account.stacks).map(([StackName, StackStatus]) => ({
        StackName,
        StackStatus,
        CreationTime: new Date(0).toISOString(),
      }));
      sendXml(response, 'DescribeStacksResponse', { DescribeStacksResult: { Stacks: listed } }, 'member');
    },
  };
}
