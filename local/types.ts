import type { AccountFigures } from './account.ts';

/** The account and region that every local ARN is made with. */
export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

/** Who calls: a function, or a part of AWS that acts with a role of the template. */
export interface Caller {
  /** For error messages. */
  readonly name: string;
  readonly roleArn: string;
}

/** A role's temporary credentials, one set per function. */
export interface Principal extends Caller {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

export interface Identities {
  find(accessKeyId: string): Principal | undefined;
  /**
   * Throws AccessDenied with AWS' words: User: <assumed-role arn> is not authorized to perform: <action> on resource:
   * <arn> because no identity-based policy allows the <action> action.
   * `context` holds what the request says for a statement's conditions, such as { 's3:prefix': 'blocks/' }; a
   * condition on a key that is not in it is not met.
   */
  authorize(caller: Caller, action: string, resource: string, context?: Readonly<Record<string, string>>): void;
  /**
   * Throws Unreachable where the function sits in a VPC whose subnets have no endpoint for this service ('s3',
   * 'dynamodb', 'lambda', 'secretsmanager', 'kafka', 'rds-data', 'execute-api', 'kafka-cluster', 'rds-db'; the last
   * two are checked against security groups and VPC membership).
   */
  reach(principal: Principal, service: string): void;
}

export interface ResourceContext {
  readonly type: string;
  readonly logicalId: string;
  readonly stack: string;
  /** Stable across restarts: `${stack}-${logicalId}`, lower-cased and cut to fit. */
  readonly physicalName: string;
  /** Resolved: no intrinsic is left. */
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface Provisioned {
  readonly ref: string;
  readonly attributes: Readonly<Record<string, string | number>>;
}

export type Provider = (resource: ResourceContext) => Provisioned | Promise<Provisioned>;

export interface StreamRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer;
}

export interface Stream {
  /** Returns the base offset. */
  append(
    topic: string,
    partition: number,
    records: readonly { key: Buffer | null; value: Buffer; timestamp: number }[],
  ): Promise<number>;
  /**
   * Starts a consumer group that hands over batches of one or more partitions; the handler resolving commits them,
   * rejecting redelivers. Restarts resume from the committed offsets.
   */
  consume(
    options: {
      topic: string;
      group: string;
      from: 'LATEST' | 'TRIM_HORIZON';
      maxRecords: number;
      windowMs: number;
    },
    handler: (records: readonly StreamRecord[]) => Promise<void>,
  ): Promise<{ stop(): Promise<void> }>;
}

export interface InvokeResult {
  readonly payload: Buffer;
  readonly functionError?: 'Unhandled' | 'Handled';
}

/** The calls that API Gateway's @connections endpoint passes on to the WebSocket gateway. */
export interface Connections {
  post(apiId: string, stage: string, connectionId: string, data: Buffer): Promise<'sent' | 'gone'>;
  close(apiId: string, stage: string, connectionId: string): Promise<'closed' | 'gone'>;
  /** Times in milliseconds since 1970. */
  get(
    apiId: string,
    stage: string,
    connectionId: string,
  ): Promise<{ connectedAt: number; lastActiveAt: number; sourceIp: string; userAgent: string } | 'gone'>;
}

/**
 * The request header in which the WebSocket gateway names its API's id when it passes an @connections request on to
 * the services' endpoint (`endpoints.EXECUTE_API`), with path, Host and signature as the function sent them.
 */
export const API_ID_HEADER = 'x-tidemark-api-id';

/** Takes a line for the person at the terminal: something that went wrong or, as a note, something that is well. */
export type Log = (line: string, kind?: 'note') => void;

export interface ServicesOptions {
  readonly data: string;
  /** The deployment's file assets, paths by the keys that they have in the asset bucket. @default - none */
  readonly assets?: ReadonlyMap<string, string>;
  /** The first of the ports that services may use: port..port+7. */
  readonly port: number;
  /** PEM; valid for localhost, 127.0.0.1 and ::1. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly identities: Identities;
  readonly invoke: (functionName: string, payload: Buffer, mode: 'RequestResponse' | 'Event') => Promise<InvokeResult>;
  readonly connections: Connections;
  readonly log: Log;
  readonly kafkaBrokers?: readonly string[];
  /** What is told of the account. @default - one that has been in use for a while */
  readonly account?: AccountFigures;
}

/** How a PostgreSQL server's superuser gets in. */
interface Superuser {
  readonly host: string;
  readonly port: number;
  readonly user: string;
}

export interface Services {
  /** By CloudFormation type. */
  readonly providers: Readonly<Record<string, Provider>>;
  /** AWS_ENDPOINT_URL_* values by suffix: { S3: 'https://127.0.0.1:…', DYNAMODB: …, … }. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly stream: Stream;
  /** As an administrator makes one; no error if the user exists. A temporary password has to be replaced at sign-in. */
  readonly createUser: (
    poolId: string,
    user: { username: string; password: string; temporary?: boolean },
  ) => Promise<void>;
  /** The superuser of the first cluster's PostgreSQL server, for tests and for whoever debugs. */
  readonly database: Superuser;
  /** The same for all clusters, in the order of the template. */
  readonly databases: () => readonly Superuser[];
  /** How often each database user's statements made a proxy keep a connection for one client. */
  readonly pins: () => ReadonlyMap<string, number>;
  readonly edgeReport: () => { hits: number; misses: number; bytes: number };
  stop(): Promise<void>;
}

/** A resource of the templates as it was provisioned. */
export interface Resource extends ResourceContext, Provisioned {}
