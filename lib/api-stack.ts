import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { HttpApi, HttpMethod, HttpNoneAuthorizer, HttpRoute, HttpRouteKey } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { Construct } from 'constructs';
import type { BlocksStack } from './blocks-stack.ts';
import { TidemarkFunction, type TidemarkFunctionProps } from './function.ts';
import { grantInvoke, grantReadSecret } from './grants.ts';
import type { IdentityStack } from './identity-stack.ts';
import type { MaintenanceStack } from './maintenance-stack.ts';
import type { MetadataStack } from './metadata-stack.ts';
import type { NetworkStack } from './network-stack.ts';
import type { NotificationStack } from './notification-stack.ts';
import type { Profile } from './profiles.ts';

interface ApiStackProps extends StackProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
  readonly identity: IdentityStack;
  readonly metadata: MetadataStack;
  readonly blocks: BlocksStack;
  readonly notification: NotificationStack;
  readonly maintenance: MaintenanceStack;
}

type Size = Pick<TidemarkFunctionProps, 'memorySize' | 'timeout'>;

// The HTTP API gives up on a function after 30 s.
const small: Size = { memorySize: 256, timeout: Duration.seconds(15) };
const medium: Size = { memorySize: 512, timeout: Duration.seconds(15) };
const large: Size = { memorySize: 1024, timeout: Duration.seconds(29) };
/** Exactly one vCPU. */
const cpu: Size = { memorySize: 1769, timeout: Duration.seconds(29) };
const tiny: Size = { memorySize: 128, timeout: Duration.seconds(5) };

/** The HTTP API and the functions behind its routes. */
export class ApiStack extends Stack {
  readonly #props: ApiStackProps;
  readonly #api: HttpApi;

  constructor(scope: Construct, id: string, props: ApiStackProps) {
    super(scope, id, props);
    this.#props = props;
    const { identity } = props;
    this.#api = new HttpApi(this, 'Http', {
      description: 'Tidemark',
      defaultAuthorizer: new HttpJwtAuthorizer('Users', identity.userPool.userPoolProviderUrl, {
        jwtAudience: [identity.client.userPoolClientId],
      }),
    });

    this.#uploads();
    this.#changesOfFiles();
    this.#reads();
    this.#downloads();
    this.#devices();
    this.#unauthenticated();

    new CfnOutput(this, 'ApiUrl', { value: this.#api.apiEndpoint });
  }

  #uploads(): void {
    const { blocks, maintenance, profile } = this.#props;
    const environment = { BLOCK_BUCKET: blocks.bucket.bucketName };

    const uploadInit = this.#sqlFunction('UploadInit', medium, {
      ...environment,
      DEDUP_SCOPE: profile.dedupScope,
      QUOTA_BYTES: String(profile.quota.toBytes()),
    });
    // The URLs that it signs can do what it can do.
    blocks.grantBlocks(uploadInit, 's3:PutObject');
    this.#route(uploadInit, '/upload-init', HttpMethod.POST);

    const prove = this.#sqlFunction('Prove', large, environment);
    blocks.grantBlocks(prove, 's3:GetObject');
    this.#route(prove, '/prove', HttpMethod.POST);

    const deltaApply = this.#sqlFunction('DeltaApply', cpu, environment);
    blocks.grantBlocks(deltaApply, 's3:GetObject', 's3:PutObject');
    this.#route(deltaApply, '/delta-apply', HttpMethod.POST);

    const finalize = this.#sqlFunction('Finalize', large, {
      ...environment,
      RELAY_FUNCTION: maintenance.relay.functionName,
    });
    blocks.grantLookUp(finalize);
    grantInvoke(finalize, maintenance.relay);
    this.#route(finalize, '/finalize', HttpMethod.POST);

    const heal = this.#sqlFunction('Heal', medium, environment);
    blocks.grantLookUp(heal);
    blocks.grantBlocks(heal, 's3:PutObject');
    this.#route(heal, '/heal', HttpMethod.GET, HttpMethod.POST);
  }

  /** Commits that move no content. */
  #changesOfFiles(): void {
    const { relay } = this.#props.maintenance;
    for (const id of ['Delete', 'Move', 'Restore']) {
      const fn = this.#sqlFunction(id, medium, { RELAY_FUNCTION: relay.functionName });
      grantInvoke(fn, relay);
      this.#route(fn, `/${id.toLowerCase()}`, HttpMethod.POST);
    }
  }

  #reads(): void {
    for (const id of ['Changes', 'Tree', 'History', 'Compare']) {
      this.#route(this.#sqlFunction(id, medium), `/${id.toLowerCase()}`, HttpMethod.GET);
    }
  }

  /** Two functions: only one outside the VPC reads the private key, only one inside it reads the metadata. */
  #downloads(): void {
    const { blocks } = this.#props;
    const locate = this.#sqlFunction('Locate', { memorySize: 512, timeout: Duration.seconds(10) });
    const { secret, publicKey } = blocks.signingKey;
    const download = this.#function('Download', small, {
      LOCATE_FUNCTION: locate.functionName,
      CDN_DOMAIN: blocks.distribution.distributionDomainName,
      CDN_KEY_PAIR_ID: publicKey.publicKeyId,
      CDN_KEY_SECRET: secret.secretArn,
    });
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
    const { identity, notification } = this.#props;
    const service = this.#function('Service', tiny, {
      API_URL: this.#api.apiEndpoint,
      SOCKET_URL: notification.socketUrl,
      AUTH_PROVIDER_URL: identity.userPool.userPoolProviderUrl,
      AUTH_CLIENT_ID: identity.client.userPoolClientId,
    });
    const authorizer = new HttpNoneAuthorizer();
    this.#api.addRoutes({
      path: '/service',
      methods: [HttpMethod.GET],
      integration: new HttpLambdaIntegration('Service', service),
      authorizer,
    });
    new HttpRoute(this, 'DefaultRoute', {
      httpApi: this.#api,
      routeKey: HttpRouteKey.DEFAULT,
      integration: new HttpLambdaIntegration('Fallback', this.#function('Fallback', tiny)),
      authorizer,
    });
  }

  #function(id: string, size: Size, environment: Record<string, string> = {}): TidemarkFunction {
    return new TidemarkFunction(this, id, { profile: this.#props.profile, ...size, environment });
  }

  #sqlFunction(id: string, size: Size, environment: Record<string, string> = {}): TidemarkFunction {
    const { profile, network, metadata } = this.#props;
    const fn = new TidemarkFunction(this, id, { profile, ...size, placement: network.inside, environment });
    metadata.connect(fn);
    return fn;
  }

  #route(fn: TidemarkFunction, path: string, ...methods: HttpMethod[]): void {
    this.#api.addRoutes({ path, methods, integration: new HttpLambdaIntegration(fn.node.id, fn) });
  }
}
