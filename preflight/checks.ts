import { type Account, quotaCodes } from './account.ts';
import { type Demand, inRegion } from './demand.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly found: string;
  /** What to do before deploying. @default - it is well */
  readonly remedy?: string;
}

type Check = (demand: Demand, account: Account) => Finding[];

/** Lambda keeps as many executions that no function may reserve. */
const UNRESERVED = 100;
/** What CDK's templates ask for (`requiresBootstrapStackVersion` of the assembly). */
const BOOTSTRAP = 6;
/** Neither MSK nor RDS Proxy takes subnets there (documentation of `AWS::MSK::Cluster` and of RDS Proxy's limitations). */
const UNSUITABLE_ZONES = ['use1-az3'];
/** CloudFront cannot write standard logs into buckets there. */
const NO_CDN_LOGS = ['af-south-1', 'ap-east-1', 'eu-south-1', 'me-south-1'];
/** States in which a stack takes no update. */
const STUCK = ['ROLLBACK_COMPLETE', 'ROLLBACK_FAILED', 'CREATE_FAILED', 'DELETE_FAILED', 'UPDATE_ROLLBACK_FAILED'];

/** What stands in the way of deploying to this account and region; a finding without a remedy is well. */
export function examine(demand: Demand, account: Account): Finding[] {
  return [region, zones, endpoints, concurrency, quotas, bootstrap, stacks, names, cdnNames, signInPages].flatMap(
    (check) => check(demand, account),
  );
}

const region: Check = ({ cdnLog }, { region: name, absent }) => [
  {
    what: 'region',
    found: absent.length > 0 ? `${name} has no ${absent.join(', ')}` : name,
    ...(absent.length > 0 && { remedy: 'Choose another region: AWS_REGION=… for this command and for cdk.' }),
  },
  ...(cdnLog && NO_CDN_LOGS.includes(name)
    ? [
        {
          what: 'log of the CDN',
          found: `CloudFront writes none to buckets in ${name}`,
          remedy: 'Choose another region, or take enableLogging out of lib/stacks/blocks-stack.ts.',
        },
      ]
    : []),
];

const zones: Check = (demand, account) => {
  const chosen = zonesOf(demand, account);
  const found = chosen.map((zone) => (zone ? `${zone.name} (${zone.id})` : 'none')).join(', ');
  const what = 'zones';
  if (chosen.includes(undefined)) {
    const remedy = `The region has ${account.zones.length} zones: choose another region, or a profile that takes fewer.`;
    return [{ what, found, remedy }];
  }
  const bad = chosen.filter((zone) => UNSUITABLE_ZONES.includes(zone!.id)).map((zone) => zone!.name);
  const others = account.zones.filter(({ id }) => !UNSUITABLE_ZONES.includes(id)).map(({ name }) => name);
  const remedy = `${bad.join(', ')}: MSK and RDS Proxy take no subnets there. Choose from ${others.join(', ')}.`;
  return [{ what, found, ...(bad.length > 0 && { remedy }) }];
};

const endpoints: Check = (demand, account) => {
  const chosen = zonesOf(demand, account).flatMap((zone) => (zone ? [zone.name] : []));
  return demand.endpoints.map((name) => {
    const missing = chosen.filter((zone) => !(account.endpointZones[name] ?? []).includes(zone));
    return {
      what: `endpoint of ${name}`,
      found: missing.length > 0 ? `not in ${missing.join(', ')}` : 'in all zones',
      ...(missing.length > 0 && { remedy: 'Choose zones that have it.' }),
    };
  });
};

const concurrency: Check = ({ reserved, stacks: names }, account) => {
  if (names.some((name) => account.stacks.has(name))) return [];
  const needed = reserved + UNRESERVED;
  return [
    {
      what: 'Lambda concurrency',
      found: `${account.unreserved} of ${account.concurrency} free`,
      ...(account.unreserved < needed && {
        remedy: `Functions reserve ${reserved}, and ${UNRESERVED} have to stay: ${raise(['lambda', 'L-B99A9384'], account.concurrency - account.unreserved + needed)}`,
      }),
    },
  ];
};

const quotas: Check = (demand, account) => {
  const first = !demand.stacks.some((name) => account.stacks.has(name));
  const needs = {
    requestRate: ['requests a second', demand.requestRate],
    vpcs: ['VPCs', account.vpcs + (first ? 1 : 0)],
    databaseClusters: ['Aurora clusters', demand.databaseClusters],
    databaseInstances: ['database instances', demand.databaseInstances],
  } as const;
  return Object.entries(needs).flatMap(([key, [what, needed]]) => {
    const name = key as keyof typeof quotaCodes;
    const has = account.quotas[name];
    if (has === undefined) return [];
    const remedy = has < needed ? { remedy: raise(quotaCodes[name], needed) } : {};
    return [{ what, found: `${needed} of ${has}`, ...remedy }];
  });
};

const bootstrap: Check = (_, { bootstrap: version }) => [
  {
    what: 'bootstrap',
    found: version === undefined ? 'none' : `version ${version}`,
    ...((version ?? 0) < BOOTSTRAP && { remedy: 'npx cdk bootstrap' }),
  },
];

const stacks: Check = (demand, account) => {
  const stuck = [...account.stacks].filter(([, state]) => STUCK.includes(state));
  const found = account.stacks.size === 0 ? 'none yet' : `${account.stacks.size} of ${demand.stacks.length}`;
  if (stuck.length === 0) return [{ what: 'stacks', found }];
  return stuck.map(([name, state]) => ({
    what: name,
    found: state,
    remedy: `aws cloudformation delete-stack --stack-name ${name}, which keeps what holds data; then deploy again.`,
  }));
};

const names: Check = ({ kafkaClusters, stacks: own }, account) => {
  if (own.some((name) => account.stacks.has(name))) return [];
  return kafkaClusters.map((name) => ({
    what: `MSK cluster ${name}`,
    found: account.kafkaClusters.includes(name) ? 'there is one' : 'free',
    ...(account.kafkaClusters.includes(name) && {
      remedy: 'One of an earlier deployment was kept: delete it (aws kafka delete-cluster), or adopt it (cdk import).',
    }),
  }));
};

const cdnNames: Check = ({ cdnNames: wanted, stacks: own }, { cdnNames: taken, stacks: there, region: here }) => {
  if (own.some((name) => there.has(name))) return [];
  return inRegion(wanted, here).map((one) => {
    const other = taken.find(({ kind, name }) => kind === one.kind && name === one.name);
    return {
      what: `CloudFront ${one.kind} ${one.name}`,
      found: other ? `there is one, ${other.id}` : 'free',
      ...(other && {
        remedy: `The account has this name once, in all regions. Deploy under another one (-c name=…), or delete what has it, if no distribution uses it:\n  aws cloudfront delete-${one.kind} --id ${other.id} --if-match $(aws cloudfront get-${one.kind} --id ${other.id} --query ETag --output text)`,
      }),
    };
  });
};

const signInPages: Check = ({ signInDomain, stacks: own }, { signInDomainOwner, stacks: there }) => {
  if (signInDomain === undefined || own.some((name) => there.has(name))) return [];
  const isTaken = signInDomainOwner !== undefined;
  return [
    {
      what: `sign-in pages ${signInDomain}`,
      // Of another account's Cognito says nothing before the deployment.
      found: isTaken ? `pool ${signInDomainOwner} has them` : 'not in this account',
      ...(isTaken && { remedy: 'Give another signInDomain: a host is one pool of the region, in all accounts.' }),
    },
  ];
};

function zonesOf(demand: Demand, { zones: there }: Account): (Account['zones'][number] | undefined)[] {
  return demand.zones.map((zone) =>
    typeof zone === 'number' ? there[zone] : there.find(({ id, name }) => id === zone || name === zone),
  );
}

function raise([service, code]: readonly [string, string], value: number): string {
  return `aws service-quotas request-service-quota-increase --service-code ${service} --quota-code ${code} --desired-value ${value}`;
}
