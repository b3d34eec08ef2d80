import type { AccountFigures } from '../../account.ts';
import type { Access } from '../access.ts';
import type { JsonApi } from '../json-api.ts';
import { createCloudFormation } from './cloudformation.ts';
import { createCloudFront } from './cloudfront.ts';
import { createEc2 } from './ec2.ts';
import { createParameters, createQuotas } from './settings.ts';

/** What is asked about the account itself, before anything is deployed to it. */
export function createAccountApis(account: AccountFigures, access: Access): JsonApi[] {
  return [createEc2, createCloudFormation, createCloudFront, createParameters, createQuotas].map((create) =>
    create(account, access),
  );
}
