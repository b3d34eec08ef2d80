import { BlockList } from 'node:net';
import { isObject } from '../json.ts';
import type { Resource } from '../types.ts';

/** Where something sits in the VPC. */
export interface Placement {
  readonly subnets: readonly string[];
  readonly groups: readonly string[];
}

interface Rule {
  readonly from: number;
  readonly to: number;
  readonly cidr: string | undefined;
  readonly group: string | undefined;
}

type Direction = 'Ingress' | 'Egress';

/** All resources of one type. */
export type OfType = (type: string) => readonly Resource[];

/** Whether the security groups of both sides let a connection from one to the other's port through. */
export function connects(ofType: OfType, from: Placement, to: Placement, port: number): boolean {
  return permits(ofType, from, 'Egress', { peer: to, port }) && permits(ofType, to, 'Ingress', { peer: from, port });
}

function permits(
  ofType: OfType,
  holder: Placement,
  direction: Direction,
  { peer, port }: { peer: Placement; port: number },
): boolean {
  return holder.groups
    .flatMap((group) => rulesOf(ofType, group, direction))
    .some(
      ({ from, to, cidr, group }) =>
        from <= port &&
        port <= to &&
        (group ? peer.groups.includes(group) : cidr !== undefined && covers(ofType, cidr, peer)),
    );
}

function rulesOf(ofType: OfType, group: string, direction: Direction): Rule[] {
  const own = ofType('AWS::EC2::SecurityGroup').filter(({ attributes }) => attributes.GroupId === group);
  const inline = own.flatMap(({ properties }) => [properties[`SecurityGroup${direction}`] ?? []].flat());
  const apart = ofType(`AWS::EC2::SecurityGroup${direction}`).map(({ properties }) => properties);
  const listed = [...inline, ...apart.filter((rule) => rule.GroupId === group)].filter(isObject);
  // A security group without any egress rule of its own gets AWS' default: everything may leave.
  if (direction === 'Egress' && listed.length === 0)
    return [{ from: 0, to: 65_535, cidr: '0.0.0.0/0', group: undefined }];
  return listed.map((rule) => {
    const any = String(rule.IpProtocol) === '-1';
    const peer = rule[direction === 'Ingress' ? 'SourceSecurityGroupId' : 'DestinationSecurityGroupId'];
    return {
      from: any ? 0 : Number(rule.FromPort ?? 0),
      to: any ? 65_535 : Number(rule.ToPort ?? 65_535),
      cidr: rule.CidrIp === undefined ? undefined : String(rule.CidrIp),
      group: peer === undefined ? undefined : String(peer),
    };
  });
}

function covers(ofType: OfType, cidr: string, { subnets }: Placement): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const list = new BlockList();
  list.addSubnet(base, Number(bits), 'ipv4');
  const blocks = ofType('AWS::EC2::Subnet').filter(({ ref }) => subnets.includes(ref));
  return blocks.every(({ properties }) => list.check(String(properties.CidrBlock).split('/')[0] ?? ''));
}
