import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { createStacks } from '../lib/tidemark.ts';
import { type CdnName, cdnKinds } from './cdn-names.ts';

/** What a deployment takes of an account. */
export interface Demand {
  readonly stacks: readonly string[];
  /** Concurrent executions that functions have for themselves. */
  readonly reserved: number;
  /** Zones of the subnets: names or ids, or positions in the list of the region's zones. */
  readonly zones: readonly (string | number)[];
  /** Interface endpoints, by the last part of their service's name. */
  readonly endpoints: readonly string[];
  readonly kafkaClusters: readonly string[];
  readonly databaseClusters: number;
  readonly databaseInstances: number;
  /** HTTP requests a second that the API lets through. */
  readonly requestRate: number;
  /** What begins the host of the sign-in pages, where the context says it. @default - the account's id makes it unique */
  readonly signInDomain?: string;
  /** In their names the region is `{AWS::Region}`. */
  readonly cdnNames: readonly CdnName[];
  /** Whether the CDN writes its log into a bucket. */
  readonly cdnLog: boolean;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

/**
 * Reads it from the templates, which are synthesized for that, without bundles.
 * @param context as given by `-c`, beside that of cdk.json
 * @throws Error with what does not synthesize
 */
export function demandOf(context: Readonly<Record<string, string>>): Demand {
  const { context: usual } = JSON.parse(readFileSync(join(import.meta.dirname, '../cdk.json'), 'utf8'));
  const outdir = mkdtempSync(join(tmpdir(), 'tidemark-preflight-'));
  try {
    const app = new App({ outdir, context: { ...usual, 'aws:cdk:bundling-stacks': [], ...context } });
    createStacks(app);
    app.synth();
    return demandIn(outdir);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** @param folder of a cloud assembly */
export function demandIn(folder: string): Demand {
  const ending = '.template.json';
  const stacks = readdirSync(folder).flatMap((file) => (file.endsWith(ending) ? [file.slice(0, -ending.length)] : []));
  const resources = stacks.flatMap((stack): Resource[] =>
    Object.values(JSON.parse(readFileSync(join(folder, stack + ending), 'utf8')).Resources),
  );
  const all = (type: string) => resources.flatMap(({ Type, Properties = {} }) => (Type === type ? [Properties] : []));
  const rates = all('AWS::ApiGatewayV2::Stage').map(
    ({ DefaultRouteSettings }) => (DefaultRouteSettings as { ThrottlingRateLimit?: number })?.ThrottlingRateLimit ?? 0,
  );
  const [pages] = all('AWS::Cognito::UserPoolDomain');
  return {
    stacks,
    ...(typeof pages?.Domain === 'string' && { signInDomain: pages.Domain }),
    reserved: all('AWS::Lambda::Function').reduce((sum, fn) => sum + Number(fn.ReservedConcurrentExecutions ?? 0), 0),
    zones: [...new Set(all('AWS::EC2::Subnet').map(zoneOf))],
    endpoints: all('AWS::EC2::VPCEndpoint').flatMap(({ VpcEndpointType, ServiceName }) =>
      VpcEndpointType === 'Interface' ? [lastPart(ServiceName)] : [],
    ),
    kafkaClusters: all('AWS::MSK::Cluster').map(({ ClusterName }) => String(ClusterName)),
    databaseClusters: all('AWS::RDS::DBCluster').length,
    databaseInstances: all('AWS::RDS::DBInstance').length,
    requestRate: Math.max(0, ...rates),
    cdnNames: Object.entries(cdnKinds).flatMap(([type, { kind, config }]) =>
      all(type).map((properties) => ({ kind, name: textOf((properties[config] as { Name: unknown }).Name) })),
    ),
    cdnLog: all('AWS::CloudFront::Distribution').some(
      ({ DistributionConfig }) => (DistributionConfig as { Logging?: unknown }).Logging !== undefined,
    ),
  };
}

/** The names as they are in that region. */
export function inRegion(names: readonly CdnName[], region: string): CdnName[] {
  return names.map(({ kind, name }) => ({ kind, name: name.replaceAll('{AWS::Region}', region) }));
}

/** Text that may refer to the region, or to other values that only a deployment has. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::Join': joined } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  return joined ? joined[1].map(textOf).join(joined[0]) : `{${Ref}}`;
}

/** `Fn::GetAZs` lists a region's zones; the subnet takes one of them by its position. */
function zoneOf({ AvailabilityZone, AvailabilityZoneId }: NonNullable<Resource['Properties']>): string | number {
  const zone = AvailabilityZoneId ?? AvailabilityZone;
  if (typeof zone === 'string') return zone;
  const [position] = (zone as { 'Fn::Select': [number, unknown] })['Fn::Select'];
  return Number(position);
}

/** `lambda` of `com.amazonaws.<region>.lambda`, whose region is a reference. */
function lastPart(serviceName: unknown): string {
  const text = typeof serviceName === 'string' ? serviceName : JSON.stringify(serviceName);
  return /([a-z0-9-]+)[^a-z0-9-]*$/.exec(text)![1]!;
}
