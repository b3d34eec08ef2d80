import type { Duration } from 'aws-cdk-lib';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { bundledCode } from './bundle.ts';
import { ExecutionRole } from './execution-role.ts';
import type { Placement } from './network-stack.ts';
import type { Profile } from './profiles.ts';

export interface TidemarkFunctionProps {
  readonly profile: Profile;
  /** MiB; CPU comes with it, one whole vCPU at 1769. */
  readonly memorySize: number;
  readonly timeout: Duration;
  /** @default - outside the VPC, with the internet's reach */
  readonly placement?: Placement;
  readonly environment?: Record<string, string>;
  /** @default - shares the account's concurrency */
  readonly reservedConcurrentExecutions?: number;
  /** Folders that the function reads at run time, from beside its module. @default - none */
  readonly files?: readonly string[];
}

/** A function of this service. The id names the folder of its code: UploadInit is lambdas/upload-init. */
export class TidemarkFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, { profile, placement, files, ...props }: TidemarkFunctionProps) {
    const logGroup = new LogGroup(scope, `${id}Logs`, {
      retention: profile.logRetention,
      removalPolicy: profile.removalPolicy,
    });
    super(scope, id, {
      ...props,
      ...placement,
      role: new ExecutionRole(scope, `${id}Role`, { logGroup, inVpc: placement !== undefined }),
      code: bundledCode(kebabCase(id), files),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      logGroup,
      environment: {
        POWERTOOLS_SERVICE_NAME: 'tidemark',
        POWERTOOLS_LOG_LEVEL: profile.logLevel,
        NODE_OPTIONS: '--enable-source-maps',
        ...props.environment,
      },
    });
  }
}

function kebabCase(id: string): string {
  return id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
}
