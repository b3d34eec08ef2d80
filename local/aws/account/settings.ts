import type { AccountFigures } from '../../account.ts';
import type { Access } from '../access.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { type JsonApi, operationOf, parseMembers, unknownOperation } from '../json-api.ts';

/** Systems Manager's parameters, as far as they are read by name. */
export function createParameters(account: AccountFigures, access: Access): JsonApi {
  return {
    service: 'ssm',
    async handle({ request, response, principal, body }) {
      const operation = operationOf(request);
      if (operation !== 'GetParameters') throw unknownOperation('Systems Manager', operation);
      access.demand(principal, 'ssm:GetParameters', '*');
      const { parameters } = account;
      const names = parseMembers(body).Names as string[];
      const known = names.filter((name) => name in parameters);
      sendJson(response, 200, {
        Parameters: known.map((Name) => ({ Name, Value: parameters[Name] })),
        InvalidParameters: names.filter((name) => !known.includes(name)),
      });
    },
  };
}

/** Service Quotas: the value of a quota by its code. */
export function createQuotas(account: AccountFigures, access: Access): JsonApi {
  return {
    service: 'servicequotas',
    async handle({ request, response, principal, body }) {
      const operation = operationOf(request);
      if (operation !== 'GetServiceQuota') throw unknownOperation('Service Quotas', operation);
      access.demand(principal, 'servicequotas:GetServiceQuota', '*');
      const { ServiceCode, QuotaCode } = parseMembers(body) as Record<string, string>;
      const Value = account.quotas[QuotaCode!];
      if (Value === undefined) throw new AwsError('NoSuchResourceException', `There is no quota ${QuotaCode}.`);
      sendJson(response, 200, { Quota: { ServiceCode, QuotaCode, Value } });
    },
  };
}
