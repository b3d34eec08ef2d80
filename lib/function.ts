import type { Duration } from 'aws-cdk-lib';
import { type IRole, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Alias,
  Architecture,
  type IFunction,
  type IVersion,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { type ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import { bundledCode } from './bundle.ts';
import type { Placement } from './network-stack.ts';
import type { ConcurrencyProfile, Profile } from './profile.ts';

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
  /** What it prints: one JSON object per line. */
  readonly lines: ILogGroup;

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
      code: bundledCode(kebabCase(id), files),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      role: executionRole(scope, `${id}Role`, logGroup, placement !== undefined),
      logGroup,
      environment: {
        POWERTOOLS_SERVICE_NAME: 'tidemark',
        POWERTOOLS_LOG_LEVEL: profile.logLevel,
        NODE_OPTIONS: '--enable-source-maps',
        ...props.environment,
      },
    });
    this.lines = logGroup;
    // The casts: Alias and Version spell optional members in a way that exactOptionalPropertyTypes tells apart.
    this.entry = concurrency?.provisioned ? this.#keepWarm(concurrency.provisioned) : this;
    acknowledge(this, acknowledged);
  }

  /** Lets another function invoke this one. grantInvoke would add every version, old ones too. */
  grantCall(caller: TidemarkFunction): void {
    caller.addToRolePolicy(
      new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [this.entry.functionArn] }),
    );
  }

  /**
   * Says why a grant holds a wildcard.
   * @param resource as cdk-nag writes it: `<LogicalId.Attribute>` for a reference, the export's name for an import
   */
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
    'A caller that waits gets the error itself; the events of relay and gc go to a queue by their on-failure destination.',
  'Serverless-LambdaTracing':
    'Every log line carries the request id from client to consumer; docs/decisions.md says why there is no tracer.',
};

/**
 * What Lambda itself needs: to write to the function's own log group and, in the VPC, to plug it into the subnets.
 * AWS' managed policies for this cover every log group of the account.
 */
function executionRole(scope: Construct, id: string, logGroup: ILogGroup, inVpc: boolean): Role {
  const statements = [
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [logGroup.logGroupArn],
    }),
  ];
  if (inVpc) statements.push(new PolicyStatement({ actions: networkInterfaces, resources: ['*'] }));
  const role = new Role(scope, id, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: { Runtime: new PolicyDocument({ statements }) },
  });
  if (inVpc) {
    acknowledgeWildcard(role, '*', 'The network interfaces of Lambda have no finer resource: AWS asks for `*`.');
  }
  return role;
}

function acknowledgeWildcard(role: IRole, resource: string, reason: string): void {
  acknowledge(role, {
    [`AwsSolutions-IAM5[Resource::${resource}]`]: reason,
    'Serverless-LambdaStarPermissions': reason,
  });
}

/** What AWSLambdaVPCAccessExecutionRole holds beside logs. */
const networkInterfaces = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

function kebabCase(id: string): string {
  return id.replace(/(?<=[a-z])[A-Z]/g, '-$&').toLowerCase();
}
