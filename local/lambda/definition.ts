import { ACCOUNT, type Principal, REGION } from '../types.ts';
import type { Placement } from '../vpc/groups.ts';

/** A function as its template describes it. */
export interface FunctionDefinition {
  readonly name: string;
  readonly logicalId: string;
  /** Folder of its bundle. */
  readonly taskRoot: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly reservedConcurrency: number | undefined;
  /** The template's own variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logGroup: string;
  /** Whether Lambda sends traces of it to X-Ray. */
  readonly traced: boolean;
  readonly principal: Principal;
  readonly placement: Placement | undefined;
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${REGION}:${ACCOUNT}:function:${name}`;
}

/** Where the Lambda runtime keeps Amazon's certificates; the local CA's stand in for them. */
const RUNTIME_CA = '/var/runtime/ca-cert.pem';

/**
 * The whole environment of a function's process: the template's variables and those that the Lambda service sets,
 * nothing of this process. `endpoints` are AWS_ENDPOINT_URL_* values by suffix.
 */
export function environmentOf(
  definition: FunctionDefinition,
  endpoints: Readonly<Record<string, string>>,
  caFile: string,
): Record<string, string> {
  const { principal, name } = definition;
  const own = Object.entries(definition.environment).map(([key, value]) => [key, value.replaceAll(RUNTIME_CA, caFile)]);
  const urls = Object.entries(endpoints).map(([service, url]) => [`AWS_ENDPOINT_URL_${service}`, url]);
  return {
    PATH: '/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    ...Object.fromEntries(own),
    ...Object.fromEntries(urls),
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ACCESS_KEY_ID: principal.accessKeyId,
    AWS_SECRET_ACCESS_KEY: principal.secretAccessKey,
    AWS_SESSION_TOKEN: principal.sessionToken,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_GROUP_NAME: definition.logGroup,
    AWS_LAMBDA_LOG_STREAM_NAME: `${new Date().toISOString().slice(0, 10).replaceAll('-', '/')}/[$LATEST]local`,
    LAMBDA_TASK_ROOT: definition.taskRoot,
    LAMBDA_RUNTIME_DIR: '/var/runtime',
    _HANDLER: definition.handler,
  };
}
