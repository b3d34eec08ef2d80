/*
 * One file per stack, and what the operations stack is made of. Stacks hand each other what is needed, not themselves.
 */

import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  HttpApi,
  HttpMethod,
  HttpNoneAuthorizer,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  type IHttpApi,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { type ILogGroup, LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { type Placement, TidemarkFunction, type TidemarkFunctionProps } from '../constructs/function.ts';
import { grantInvoke, grantReadSecret } from '../constructs/grants.ts';
import { ApiDomain } from '../constructs/own-domain.ts';
import type { SharedPages } from '../constructs/sign-in-pages.ts';
import type { OwnDomain } from '../profiles/deployment.ts';
import type { Profile } from '../profiles/profile.ts';
import type { BlocksStack } from './blocks-stack.ts';
import type { IdentityStack } from './identity-stack.ts';
import type { MetadataStack } from './metadata-stack.ts';
import type { NotificationStack } from './notification-stack.ts';

interface ApiStackProps extends StackProps {
  readonly profile: Profile;
  /** Of functions that run SQL. */
  readonly placement: Placement;
  readonly identity: IdentityStack;
  readonly metadata: MetadataStack;
  readonly blocks: BlocksStack;
  readonly notification: NotificationStack;
  /** Whoever commits wakes it. */
  readonly relay: TidemarkFunction;
  /** @default - the name that AWS gives the API */
  readonly domain?: OwnDomain;
}

type Size = Pick<TidemarkFunctionProps, 'memorySize' | 'timeout' | 'concurrency'>;

// The HTTP API gives up on a function after 30 s.
const small: Size = { memorySize: 256, timeout: Duration.seconds(15) };
const medium: Size = { memorySize: 512, timeout: Duration.seconds(15) };
const large: Size = { memorySize: 1024, timeout: Duration.seconds(29) };
/** Exactly one vCPU. */
const cpu: Size = { memorySize: 1769, timeout: Duration.seconds(29) };
const tiny: Size = { memorySize: 128, timeout: Duration.seconds(5) };

/** `request` is the id that functions log, and that the client shows with an error. */
const accessLogLine = {
  request: '$context.requestId',
  time: '$context.requestTimeEpoch',
  route: '$context.routeKey',
  status: '$context.status',
  ms: '$context.responseLatency',
  sent: '$context.responseLength',
  user: '$context.authorizer.claims.sub',
  ip: '$context.identity.sourceIp',
  agent: '$context.identity.userAgent',
  error: '$context.error.message',
  integration: '$context.integrationErrorMessage',
};

/** The HTTP API and the functions behind its routes. */
export class ApiStack extends Stack {
  /** One line per request, also of those that no function has seen. */
  readonly accessLog: ILogGroup;
  /** By construct id. */
  readonly functions = new Map<string, TidemarkFunction>();
  readonly #props: ApiStackProps;
  readonly #pages: SharedPages | undefined;
  readonly #api: HttpApi;
  /** By which devices know the service. */
  readonly #url: string;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { identity } = props;
    this.#pages = identity.pages?.in(this);
    // No corsPreflight: a page of another origin gets no answer. The client is no browser.
    this.#api = new HttpApi(this, 'Http', {
      description: 'Tidemark',
      createDefaultStage: false,
      defaultAuthorizer: new HttpJwtAuthorizer('Users', identity.userPool.userPoolProviderUrl, {
        jwtAudience: [identity.client.userPoolClientId, ...(this.#pages ? [this.#pages.clientId] : [])],
      }),
    });

    this.accessLog = this.#createAccessLog(props.profile);
    const stage = this.#createStage(props.profile);
    const { domain } = props;
    const api = this.#api as IHttpApi;
    const own = domain && new ApiDomain(this, 'ApiDomain', { domain, prefix: 'api', api, stage });
    this.#url = own ? `https://${own.name}` : this.#api.apiEndpoint;

    this.#uploads();
    this.#changesOfFiles();
    this.#reads();
    this.#downloads();
    this.#devices();
    this.#unauthenticated();

    new CfnOutput(this, 'ApiUrl', { value: this.#url });
  }

  /** A metric that API Gateway counts, over five minutes. */
  metric(name: string): Metric {
    return new Metric({
      namespace: 'AWS/ApiGateway',
      metricName: name,
      dimensionsMap: { ApiId: this.#api.apiId },
      statistic: Stats.SUM,
    });
  }

  #createAccessLog({ logRetention, removalPolicy }: Profile): ILogGroup {
    return new LogGroup(this, 'AccessLog', { retention: logRetention, removalPolicy });
  }

  #createStage({ throttle }: Profile): HttpStage {
    return new HttpStage(this, 'Default', {
      httpApi: this.#api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: throttle.rate, burstLimit: throttle.burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLogLine)),
      },
    });
  }

  #uploads(): void {
    const { blocks, relay, profile } = this.#props;
    const environment = { BLOCK_BUCKET: blocks.bucket.bucketName };
    const apart = profile.uploads && { concurrency: profile.uploads };
    const quota = { QUOTA_BYTES: String(profile.quota.toBytes()) };

    const uploadInit = this.#sqlFunction(
      'UploadInit',
      { ...medium, ...apart },
      { ...environment, ...quota, DEDUP_SCOPE: profile.dedupScope },
    );
    // The URLs that it signs can do what it can do.
    blocks.grantBlocks(uploadInit, 's3:PutObject');
    for (const path of ['/upload-init', '/packs']) this.#route(uploadInit, path, HttpMethod.POST);

    const save = this.#sqlFunction(
      'Save',
      { ...large, ...apart },
      { ...environment, ...quota, RELAY_FUNCTION: relay.functionName },
    );
    blocks.grantLookUp(save);
    blocks.grantBlocks(save, 's3:PutObject');
    grantInvoke(save, relay);
    this.#route(save, '/save', HttpMethod.POST);

    const prove = this.#sqlFunction('Prove', { ...large, ...apart }, environment);
    blocks.grantLookUp(prove);
    this.#route(prove, '/prove', HttpMethod.POST);

    const deltaApply = this.#sqlFunction('DeltaApply', { ...cpu, ...apart }, environment);
    blocks.grantLookUp(deltaApply);
    blocks.grantBlocks(deltaApply, 's3:PutObject');
    this.#route(deltaApply, '/delta-apply', HttpMethod.POST);

    const finalize = this.#sqlFunction(
      'Finalize',
      { ...large, ...apart },
      {
        ...environment,
        RELAY_FUNCTION: relay.functionName,
      },
    );
    blocks.grantLookUp(finalize);
    grantInvoke(finalize, relay);
    this.#route(finalize, '/finalize', HttpMethod.POST);

    const heal = this.#sqlFunction('Heal', medium, environment);
    blocks.grantLookUp(heal);
    blocks.grantBlocks(heal, 's3:PutObject');
    this.#route(heal, '/heal', HttpMethod.GET, HttpMethod.POST);
  }

  /** Commits that move no content. */
  #changesOfFiles(): void {
    const { relay } = this.#props;
    for (const id of ['Delete', 'Move', 'Restore']) {
      const fn = this.#sqlFunction(id, medium, { RELAY_FUNCTION: relay.functionName });
      grantInvoke(fn, relay);
      this.#route(fn, `/${id.toLowerCase()}`, HttpMethod.POST);
    }
  }

  #reads(): void {
    for (const id of ['Changes', 'Tree', 'History', 'Compare']) {
      // It hashes a directory of all that a user may have within its time.
      this.#route(this.#sqlFunction(id, id === 'Tree' ? large : medium), `/${id.toLowerCase()}`, HttpMethod.GET);
    }
  }

  /** Two functions: only one outside the VPC reads the private key, only one inside it reads the metadata. */
  #downloads(): void {
    const { blocks, profile } = this.#props;
    const apart = profile.downloads && { concurrency: profile.downloads };
    const locate = this.#sqlFunction(
      'Locate',
      { memorySize: 512, timeout: Duration.seconds(10), ...apart },
      { BLOCK_BUCKET: blocks.bucket.bucketName, DEDUP_SCOPE: profile.dedupScope },
    );
    blocks.grantLookUp(locate);
    const { secret, publicKey } = blocks.signingKey;
    const download = this.#function(
      'Download',
      { ...small, ...apart },
      {
        LOCATE_FUNCTION: locate.entry.functionName,
        CDN_DOMAIN: blocks.cdnDomain,
        CDN_KEY_PAIR_ID: publicKey.publicKeyId,
        CDN_KEY_SECRET: secret.secretArn,
      },
    );
    grantInvoke(download, locate);
    grantReadSecret(download, secret);
    this.#route(download, '/download', HttpMethod.POST);
  }

  #devices(): void {
    const { tickets, hangUp } = this.#props.notification;
    const devices = this.#sqlFunction('Devices', small, { HANG_UP_FUNCTION: hangUp.functionName });
    grantInvoke(devices, hangUp);
    this.#route(devices, '/devices', HttpMethod.POST, HttpMethod.GET);
    this.#route(devices, '/devices/{device_id}', HttpMethod.DELETE);

    const ticket = this.#sqlFunction('Ticket', small, { TICKETS_TABLE: tickets.tableName });
    tickets.grant(ticket, 'dynamodb:PutItem');
    this.#route(ticket, '/ticket', HttpMethod.POST);
  }

  /** What a client asks before it can sign in, and the answer to a route that does not exist. */
  #unauthenticated(): void {
    const { identity, notification, blocks } = this.#props;
    const pages = this.#pages;
    const service = this.#function('Service', tiny, {
      API_URL: this.#url,
      SOCKET_URL: notification.socketUrl,
      AUTH_PROVIDER_URL: identity.userPool.userPoolProviderUrl,
      AUTH_CLIENT_ID: identity.client.userPoolClientId,
      ...(pages && {
        AUTH_PAGES: this.toJsonString({ url: pages.url, client_id: pages.clientId, callback_urls: pages.callbacks }),
      }),
      ...(blocks.client && { CLIENT_RELEASE: this.toJsonString(blocks.client) }),
    });
    const authorizer = new HttpNoneAuthorizer();
    const integration = new HttpLambdaIntegration('Service', service);
    const routes = ['/service', '/install'].flatMap((path) =>
      this.#api.addRoutes({ path, methods: [HttpMethod.GET], integration, authorizer }),
    );
    const fallback = new HttpRoute(this, 'DefaultRoute', {
      httpApi: this.#api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: new HttpLambdaIntegration('Fallback', this.#function('Fallback', tiny)),
      authorizer,
    });
    for (const route of [...routes, fallback]) {
      acknowledge(route, {
        'AwsSolutions-APIG4':
          'A client asks it where to sign in, is got by it, or gets an error; neither function has a right or reads data.',
      });
    }
  }

  #function(id: string, size: Size, environment: Record<string, string> = {}): TidemarkFunction {
    return this.#known(new TidemarkFunction(this, id, { profile: this.#props.profile, ...size, environment }));
  }

  #sqlFunction(id: string, size: Size, environment: Record<string, string> = {}): TidemarkFunction {
    const { profile, placement, metadata } = this.#props;
    const fn = new TidemarkFunction(this, id, { profile, ...size, placement, environment });
    metadata.connect(fn);
    return this.#known(fn);
  }

  #known(fn: TidemarkFunction): TidemarkFunction {
    this.functions.set(fn.node.id, fn);
    return fn;
  }

  #route(fn: TidemarkFunction, path: string, ...methods: HttpMethod[]): void {
    this.#api.addRoutes({ path, methods, integration: new HttpLambdaIntegration(fn.node.id, fn.entry) });
  }
}
