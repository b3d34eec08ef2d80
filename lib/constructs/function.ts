/* What stacks are built from: functions with their roles, bundles, grants, the database cluster, signing keys. */

import type { Duration } from 'aws-cdk-lib';
import {
  Alias,
  Architecture,
  type FunctionOptions,
  type IFunction,
  type IVersion,
  Function as LambdaFunction,
  Runtime,
  Tracing,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { deploymentName } from '../profiles/deployment.ts';
import type { ConcurrencyProfile, Profile } from '../profiles/profile.ts';
import { acknowledge, acknowledgeWildcard } from './acknowledge.ts';
import { bundledCode } from './bundle.ts';
import { ExecutionRole } from './execution-role.ts';

/** Where a function runs in the VPC. */
export type Placement = Pick<FunctionOptions, 'vpc' | 'vpcSubnets' | 'securityGroups'>;

export interface TidemarkFunctionProps {
  readonly profile: Profile;
  /** MiB; CPU comes with it, one whole vCPU at 1769. */
  readonly memorySize: number;
  readonly timeout: Duration;
  /** @default - outside the VPC, with the internet's reach */
  readonly placement?: Placement;
  readonly environment?: Record<string, string>;
  /** @default - shares the account's concurrency, and starts cold */
  readonly concurrency?: ConcurrencyProfile;
  /** Folders that the function reads at run time, from beside its module. @default - none */
  readonly files?: readonly string[];
}

/** A function of this service. The id names the folder of its code: UploadInit is lambdas/upload-init. */
export class TidemarkFunction extends LambdaFunction {
  /** What callers invoke: the warm alias where the profile pays for one, else the function itself. */
  readonly entry: IFunction;

  constructor(
    scope: Construct,
    id: string,
    { profile, placement, files, concurrency, ...props }: TidemarkFunctionProps,
  ) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: profile.logRetention,
      removalPolicy: profile.removalPolicy,
    });
    super(scope, id, {
      ...props,
      ...placement,
      ...(concurrency && { reservedConcurrentExecutions: concurrency.reserved }),
      role: new ExecutionRole(scope, `${id}Role`, { logGroup, inVpc: placement !== undefined }),
      code: bundledCode(kebabCase(id), files),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      logGroup,
      // The segments of Lambda itself, each with the id that the log lines have too; no client library, see docs/decisions/deployment.md.
      tracing: Tracing.ACTIVE,
      environment: {
        POWERTOOLS_SERVICE_NAME: deploymentName(scope).toLowerCase(),
        POWERTOOLS_LOG_LEVEL: profile.logLevel,
        NODE_OPTIONS: '--enable-source-maps',
        ...props.environment,
      },
    });
    // The casts: Alias and Version spell optional members in a way that exactOptionalPropertyTypes tells apart.
    this.entry = concurrency?.provisioned ? this.#keepWarm(concurrency.provisioned) : this;
    acknowledge(this, acknowledged);
  }

  /** Says why a grant of the function holds a wildcard; `resource` as acknowledgeWildcard takes it. */
  acknowledgeWildcard(resource: string, reason: string): void {
    if (this.role) acknowledgeWildcard(this.role, resource, reason);
  }

  #keepWarm(provisionedConcurrentExecutions: number): IFunction {
    const version = this.currentVersion as IVersion;
    return new Alias(this, 'Warm', { aliasName: 'warm', version, provisionedConcurrentExecutions }) as IFunction;
  }
}

const acknowledged = {
  'Serverless-LambdaDLQ':
    'A caller that waits gets the error itself; the events of gc go to a queue by their on-failure destination, and what relay missed stays in the outbox.',
};

function kebabCase(id: string): string {
  return id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
}
