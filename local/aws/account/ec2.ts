import type { AccountFigures } from '../../account.ts';
import { REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import { type JsonApi, unknownOperation } from '../json-api.ts';
import { type Element, formOf, sendXml } from './query.ts';

/** What EC2 tells of zones, endpoint services and VPCs. */
export function createEc2(account: AccountFigures, access: Access): JsonApi {
  const answers: Record<string, (form: URLSearchParams) => Element> = {
    DescribeAvailabilityZones: () => ({
      availabilityZoneInfo: Object.entries(account.zones).map(([zoneId, zoneName]) => ({
        zoneId,
        zoneName,
        zoneState: 'available',
        regionName: REGION,
      })),
    }),
    DescribeVpcs: () => ({ vpcSet: Array.from({ length: account.vpcs }, (_, index) => ({ vpcId: `vpc-${index}` })) }),
    DescribeVpcEndpointServices: (form) => ({
      serviceDetailSet: namesIn(form).map((serviceName) => ({
        serviceName,
        availabilityZoneSet: account.endpointZones.map((id) => account.zones[id] ?? id),
      })),
    }),
  };
  return {
    service: 'ec2',
    async handle({ response, principal, body }) {
      const form = formOf(body);
      const action = form.get('Action') ?? '';
      const answer = answers[action];
      if (!answer) throw unknownOperation('EC2', action);
      access.demand(principal, `ec2:${action}`, '*');
      sendXml(response, `${action}Response`, answer(form));
    },
  };
}

function namesIn(form: URLSearchParams): string[] {
  return [...form].filter(([name]) => name.startsWith('ServiceName.')).map(([, value]) => value);
}
