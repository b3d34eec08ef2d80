import { CloudFormationClient, paginateDescribeStacks } from '@aws-sdk/client-cloudformation';
import { CloudFrontClient } from '@aws-sdk/client-cloudfront';
import {
  CognitoIdentityProviderClient,
  DescribeUserPoolDomainCommand,
} from '@aws-sdk/client-cognito-identity-provider';
import {
  DescribeAvailabilityZonesCommand,
  DescribeVpcEndpointServicesCommand,
  EC2Client,
  paginateDescribeVpcs,
} from '@aws-sdk/client-ec2';
import { KafkaClient, paginateListClustersV2 } from '@aws-sdk/client-kafka';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetServiceQuotaCommand, ServiceQuotasClient } from '@aws-sdk/client-service-quotas';
import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import { readTakenNames, type TakenName } from './cdn-names.ts';
import { type Demand, inRegion } from './demand.ts';

/** What an account has in a region. */
export interface Account {
  readonly region: string;
  readonly concurrency: number;
  /** Concurrent executions that no function has reserved. */
  readonly unreserved: number;
  /** Id of the pool of this account that has the pages which are wanted; undefined where none has. */
  readonly signInDomainOwner: string | undefined;
  /** In the order in which CloudFormation lists them. */
  readonly zones: readonly { readonly id: string; readonly name: string }[];
  /** Names of the zones in which each interface endpoint is to be had. */
  readonly endpointZones: Readonly<Record<string, readonly string[]>>;
  /** Services that are not in the region. */
  readonly absent: readonly string[];
  /** Version of CDK's own stack; undefined where there is none. */
  readonly bootstrap: number | undefined;
  /** State by name, of the deployment's stacks. */
  readonly stacks: ReadonlyMap<string, string>;
  readonly kafkaClusters: readonly string[];
  /** Names of CloudFront that are wanted and that the account has, in whichever region they are used. */
  readonly cdnNames: readonly TakenName[];
  readonly vpcs: number;
  /** By code; undefined where Service Quotas does not tell. */
  readonly quotas: Readonly<Record<keyof typeof quotaCodes, number | undefined>>;
}

/** Service and code, as Service Quotas has them. */
export const quotaCodes = {
  requestRate: ['apigateway', 'L-8A5B8E43'],
  vpcs: ['vpc', 'L-F678F1CE'],
  databaseClusters: ['rds', 'L-952B80B8'],
  databaseInstances: ['rds', 'L-7B6409FD'],
} as const;

/** Services that are not in every region, as the list of AWS's regions names them. */
const SERVICES = ['kafka', 'cognito-idp'];
const BOOTSTRAP = '/cdk-bootstrap/hnb659fds/version';
/** Where that list can be read. */
const LIST_REGION = 'us-east-1';

/** How to reach AWS; what is missing, the SDK finds in variables and files as every AWS tool. */
export interface Settings {
  readonly region?: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/**
 * Asks, by calls that only read.
 * @throws Error of the SDK where a call is refused, or there are no credentials or no region
 */
export async function readAccount(settings: Settings, demand: Demand): Promise<Account> {
  const lambda = new LambdaClient(settings);
  const ssm = new SSMClient(settings);
  const region = await lambda.config.region();
  const list = new SSMClient({ ...settings, region: LIST_REGION });
  const services = SERVICES.map((name) => `/aws/service/global-infrastructure/regions/${region}/services/${name}`);
  const [limits, bootstrap, listed, network, stacks, kafkaClusters, quotas, signInDomainOwner, cdnNames] =
    await Promise.all([
      lambda.send(new GetAccountSettingsCommand({})),
      ssm.send(new GetParametersCommand({ Names: [BOOTSTRAP] })),
      list.send(new GetParametersCommand({ Names: services })),
      readNetwork(new EC2Client(settings), region, demand),
      readStacks(new CloudFormationClient(settings), demand),
      readKafkaClusters(new KafkaClient(settings)),
      readQuotas(new ServiceQuotasClient(settings)),
      readDomainOwner(new CognitoIdentityProviderClient(settings), demand),
      readTakenNames(new CloudFrontClient(settings), inRegion(demand.cdnNames, region)),
    ]);
  const version = bootstrap.Parameters?.[0]?.Value;
  return {
    region,
    concurrency: limits.AccountLimit?.ConcurrentExecutions ?? 0,
    unreserved: limits.AccountLimit?.UnreservedConcurrentExecutions ?? 0,
    bootstrap: version === undefined ? undefined : Number(version),
    absent: (listed.InvalidParameters ?? []).map((name) => name.split('/').at(-1)!),
    ...network,
    stacks,
    kafkaClusters,
    quotas,
    signInDomainOwner,
    cdnNames,
  };
}

/** Cognito tells of the account's own pages only. */
async function readDomainOwner(
  cognito: CognitoIdentityProviderClient,
  { signInDomain: Domain }: Demand,
): Promise<string | undefined> {
  if (Domain === undefined) return undefined;
  return (await cognito.send(new DescribeUserPoolDomainCommand({ Domain }))).DomainDescription?.UserPoolId;
}

async function readNetwork(
  ec2: EC2Client,
  region: string,
  { endpoints }: Demand,
): Promise<Pick<Account, 'zones' | 'endpointZones' | 'vpcs'>> {
  const own = [
    { Name: 'zone-type', Values: ['availability-zone'] },
    { Name: 'state', Values: ['available'] },
  ];
  const { AvailabilityZones = [] } = await ec2.send(new DescribeAvailabilityZonesCommand({ Filters: own }));
  const zones = AvailabilityZones.map(({ ZoneId, ZoneName }) => ({ id: ZoneId!, name: ZoneName! }));
  const ServiceNames = endpoints.map((name) => `com.amazonaws.${region}.${name}`);
  const services = ServiceNames.length
    ? ((await ec2.send(new DescribeVpcEndpointServicesCommand({ ServiceNames }))).ServiceDetails ?? [])
    : [];
  let vpcs = 0;
  for await (const { Vpcs = [] } of paginateDescribeVpcs({ client: ec2 }, {})) vpcs += Vpcs.length;
  return {
    zones: zones.sort((one, other) => one.name.localeCompare(other.name)),
    endpointZones: Object.fromEntries(
      services.map(({ ServiceName, AvailabilityZones: names = [] }) => [ServiceName!.split('.').at(-1)!, names]),
    ),
    vpcs,
  };
}

async function readStacks(client: CloudFormationClient, { stacks }: Demand): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { Stacks = [] } of paginateDescribeStacks({ client }, {})) {
    for (const { StackName, StackStatus } of Stacks) {
      if (stacks.includes(StackName!)) found.set(StackName!, StackStatus!);
    }
  }
  return found;
}

async function readKafkaClusters(client: KafkaClient): Promise<string[]> {
  const names: string[] = [];
  for await (const { ClusterInfoList = [] } of paginateListClustersV2({ client }, {})) {
    names.push(...ClusterInfoList.map(({ ClusterName }) => ClusterName!));
  }
  return names;
}

async function readQuotas(client: ServiceQuotasClient): Promise<Account['quotas']> {
  const read = async ([ServiceCode, QuotaCode]: readonly [string, string]): Promise<number | undefined> => {
    const answer = client.send(new GetServiceQuotaCommand({ ServiceCode, QuotaCode }));
    return await answer.then(
      ({ Quota }) => Quota?.Value,
      (error: Error) => {
        if (error.name === 'NoSuchResourceException') return undefined;
        throw error;
      },
    );
  };
  const values = Object.entries(quotaCodes).map(async ([name, code]) => [name, await read(code)] as const);
  return Object.fromEntries(await Promise.all(values)) as Account['quotas'];
}
