import { CfnOutput, Duration, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { WebSocketApi, WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { WebSocketLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { WebSocketLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { AttributeType, BillingMode, Table, type TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { TidemarkFunction } from '../constructs/function.ts';
import { grantConnections } from '../constructs/grants.ts';
import { ApiDomain } from '../constructs/own-domain.ts';
import type { OwnDomain } from '../profiles/deployment.ts';
import type { Profile } from '../profiles/profile.ts';
import type { StreamStack } from './stream-stack.ts';

interface NotificationStackProps extends StackProps {
  readonly profile: Profile;
  readonly stream: StreamStack;
  /** @default - the name that AWS gives the API */
  readonly domain?: OwnDomain;
}

/** WebSockets: the API, the registry of open connections, the tickets that open one, and the push to them. */
export class NotificationStack extends Stack {
  /** One-time tickets: what a device shows instead of its token, which a browser could not send. */
  readonly tickets: Table;
  /** Closes the connections of a revoked device. */
  readonly hangUp: TidemarkFunction;
  /** `wss://` URL that clients connect to. */
  readonly socketUrl: string;
  readonly notify: TidemarkFunction;
  /** By which notify reads the stream. */
  readonly consumerGroup = 'tidemark-notify';
  readonly #profile: Profile;
  readonly #apiId: string;
  readonly #connections: Table;
  readonly #socketMessage: TidemarkFunction;

  constructor(scope: Construct, id: string, { profile, stream, domain, ...props }: NotificationStackProps) {
    super(scope, id, props);
    this.#profile = profile;
    this.tickets = this.#table('Tickets', { partitionKey: { name: 'ticket', type: AttributeType.STRING } });
    this.#connections = this.#table('Connections', {
      partitionKey: { name: 'user_id', type: AttributeType.STRING },
      sortKey: { name: 'connection_id', type: AttributeType.STRING },
    });

    const connect = this.#function('Connect', { CONNECTIONS_TABLE: this.#connections.tableName });
    this.#socketMessage = this.#function('SocketMessage', { CONNECTIONS_TABLE: this.#connections.tableName });
    const api = this.#createApi(connect);
    const stage = new WebSocketStage(this, 'Live', {
      webSocketApi: api,
      stageName: 'live',
      autoDeploy: true,
      throttle: { rateLimit: profile.throttle.socketRate, burstLimit: profile.throttle.socketBurst },
    });
    const accessLog =
      'Access logs of a WebSocket API need a role in the settings of the whole account, which other stacks share. connect and disconnect log each connection.';
    acknowledge(stage, { 'AwsSolutions-APIG1': accessLog, 'Serverless-APIGWAccessLogging': accessLog });
    this.#apiId = api.apiId;
    const own = domain && new ApiDomain(this, 'SocketDomain', { domain, prefix: 'socket', api, stage });
    this.socketUrl = own ? `wss://${own.name}` : `${api.apiEndpoint}/${stage.stageName}`;
    const host = Fn.select(1, Fn.split('://', api.apiEndpoint));
    const callbackUrl = `https://${host}/${stage.stageName}`;
    this.#letReplace(connect, stage, callbackUrl);
    this.#letTellOthers(stage, callbackUrl);
    this.notify = this.#push(stage, callbackUrl, stream);
    this.hangUp = this.#createHangUp(stage, callbackUrl);

    new CfnOutput(this, 'SocketUrl', { value: this.socketUrl });
  }

  /** A metric that API Gateway counts, over five minutes. */
  metric(name: string): Metric {
    return new Metric({
      namespace: 'AWS/ApiGateway',
      metricName: name,
      dimensionsMap: { ApiId: this.#apiId },
      statistic: Stats.SUM,
    });
  }

  #createApi(connect: TidemarkFunction): WebSocketApi {
    const authorize = this.#function('Authorize', { TICKETS_TABLE: this.tickets.tableName });
    this.tickets.grant(authorize, 'dynamodb:DeleteItem');
    const disconnect = this.#function('Disconnect', { CONNECTIONS_TABLE: this.#connections.tableName });
    this.#connections.grant(disconnect, 'dynamodb:DeleteItem');

    const api = new WebSocketApi(this, 'Socket', {
      routeSelectionExpression: '$request.body.type',
      connectRouteOptions: {
        integration: new WebSocketLambdaIntegration('Connect', connect),
        authorizer: new WebSocketLambdaAuthorizer('Ticket', authorize, {
          identitySource: ['route.request.querystring.ticket'],
        }),
      },
      disconnectRouteOptions: { integration: new WebSocketLambdaIntegration('Disconnect', disconnect) },
      defaultRouteOptions: {
        integration: new WebSocketLambdaIntegration('SocketMessage', this.#socketMessage),
        returnResponse: true,
      },
    });
    acknowledge(api, {
      'AwsSolutions-APIG4': 'API Gateway authorizes at $connect; later frames belong to the connection that it let in.',
    });
    return api;
  }

  /** A connection takes the place of the one that its device had. */
  #letReplace(connect: TidemarkFunction, stage: WebSocketStage, callbackUrl: string): void {
    this.#connections.grant(connect, 'dynamodb:PutItem', 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:DeleteItem');
    connect.addEnvironment('SOCKET_CALLBACK_URL', callbackUrl);
    grantConnections(connect, stage, 'DELETE');
  }

  /** A pong says what of the registry concerns its connection; what else a device sends may be for the user's others. */
  #letTellOthers(stage: WebSocketStage, callbackUrl: string): void {
    this.#connections.grant(this.#socketMessage, 'dynamodb:GetItem', 'dynamodb:Query', 'dynamodb:DeleteItem');
    this.#socketMessage.addEnvironment('SOCKET_CALLBACK_URL', callbackUrl);
    grantConnections(this.#socketMessage, stage, 'POST');
  }

  /** Outside the VPC: an isolated subnet has no way to the API's @connections. */
  #push(stage: WebSocketStage, callbackUrl: string, stream: StreamStack): TidemarkFunction {
    const notify = new TidemarkFunction(this, 'Notify', {
      profile: this.#profile,
      // Lambda gives processors by memory, and there is one execution for each partition (cost/capacity.ts).
      memorySize: 1024,
      timeout: Duration.seconds(30),
      environment: {
        CONNECTIONS_TABLE: this.#connections.tableName,
        SOCKET_CALLBACK_URL: callbackUrl,
      },
    });
    this.#connections.grant(notify, 'dynamodb:Query', 'dynamodb:UpdateItem', 'dynamodb:DeleteItem');
    grantConnections(notify, stage, 'POST');
    // The newest records only: a device that was away reads what it missed from its change sequence.
    // Lambda's own default window is 500 ms, which would be most of the time a push may take.
    stream.feed(notify, {
      group: this.consumerGroup,
      from: StartingPosition.LATEST,
      // A commit has up to 500 changes; the devices of its user get one message for all that come in one batch.
      batchSize: 500,
      window: Duration.seconds(0),
    });
    return notify;
  }

  /** Outside the VPC for the same reason; devices, inside, invokes it. */
  #createHangUp(stage: WebSocketStage, callbackUrl: string): TidemarkFunction {
    const hangUp = new TidemarkFunction(this, 'HangUp', {
      profile: this.#profile,
      memorySize: 128,
      timeout: Duration.seconds(30),
      environment: { CONNECTIONS_TABLE: this.#connections.tableName, SOCKET_CALLBACK_URL: callbackUrl },
    });
    this.#connections.grant(hangUp, 'dynamodb:PutItem', 'dynamodb:Query', 'dynamodb:DeleteItem');
    grantConnections(hangUp, stage, 'DELETE');
    return hangUp;
  }

  #function(id: string, environment: Record<string, string> = {}): TidemarkFunction {
    const timeout = Duration.seconds(5);
    return new TidemarkFunction(this, id, { profile: this.#profile, memorySize: 128, timeout, environment });
  }

  #table(id: string, keys: Pick<TableProps, 'partitionKey' | 'sortKey'>): Table {
    const table = new Table(this, id, {
      ...keys,
      billingMode: BillingMode.PAY_PER_REQUEST,
      timeToLiveAttribute: 'expires_at',
      // Holds nothing that outlives two hours.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(table, {
      'AwsSolutions-DDB3': 'Nobody would restore connections that are closed, or tickets that have expired.',
    });
    return table;
  }
}
