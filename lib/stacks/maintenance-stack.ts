import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { AccountRootPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { migrationFiles } from '../constructs/bundle.ts';
import { TidemarkFunction } from '../constructs/function.ts';
import { grantInvoke } from '../constructs/grants.ts';
import type { Profile } from '../profiles/profile.ts';
import type { BlocksStack } from './blocks-stack.ts';
import type { IdentityStack } from './identity-stack.ts';
import type { MetadataStack } from './metadata-stack.ts';
import type { NetworkStack } from './network-stack.ts';
import type { StreamStack } from './stream-stack.ts';

interface MaintenanceStackProps extends StackProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
  readonly metadata: MetadataStack;
  readonly stream: StreamStack;
  readonly blocks: BlocksStack;
  readonly identity: IdentityStack;
}

/** What happens after a commit: its event is published, and blocks that nobody needs go away. And the operator's way in. */
export class MaintenanceStack extends Stack {
  readonly relay: TidemarkFunction;
  readonly gc: TidemarkFunction;
  /** By which gc reads the stream. */
  readonly consumerGroup = 'tidemark-gc';
  /** Scheduled runs of gc that failed three times. */
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: MaintenanceStackProps) {
    super(scope, id, props);
    this.undelivered = this.#createQueue(props.profile);
    this.relay = this.#createRelay(props);
    this.gc = this.#createGc(props);
    this.#createAdmin(props);
  }

  /** The only producer: it empties the outbox, woken by each commit and, for what that missed, by the clock. */
  #createRelay({ profile, network, metadata, stream }: MaintenanceStackProps): TidemarkFunction {
    const relay = new TidemarkFunction(this, 'Relay', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(60),
      placement: network.publishing,
      // None in small profiles: a new account has ten executions in all, and refuses to reserve any of them.
      ...(profile.relays && { concurrency: { reserved: profile.relays } }),
      environment: { STREAM_BROKERS: stream.brokersFor(this), STREAM_TOPIC: stream.topicName },
    });
    metadata.connect(relay);
    stream.grantWrite(relay);
    this.#every(profile.metadata.outboxCheck, relay);
    // A wake-up that waited for minutes is of no use: commits wake a relay anew when the oldest event is stale.
    relay.configureAsyncInvoke({ maxEventAge: Duration.minutes(2), retryAttempts: 1 });
    acknowledge(relay, {
      'Serverless-LambdaAsyncFailureDestination':
        'What a lost wake-up was for is in the outbox, whose age has an alarm.',
    });
    return relay;
  }

  #createGc({ profile, network, metadata, stream, blocks }: MaintenanceStackProps): TidemarkFunction {
    const gc = new TidemarkFunction(this, 'Gc', {
      profile,
      memorySize: 512,
      timeout: Duration.seconds(300),
      placement: network.inside,
      environment: { BLOCK_BUCKET: blocks.bucket.bucketName },
    });
    metadata.connect(gc);
    // A version by its id, never "the object": that would hide a fresh upload of the same content.
    blocks.grantBlocks(gc, 's3:DeleteObjectVersion');
    blocks.grantListVersions(gc);
    // What is left of a pack it stores anew.
    blocks.grantLookUp(gc);
    blocks.grantBlocks(gc, 's3:PutObject');
    // From the oldest record on: a count that was never registered would keep its blocks for ever.
    stream.feed(gc, {
      group: this.consumerGroup,
      from: StartingPosition.TRIM_HORIZON,
      batchSize: 500,
      window: Duration.seconds(5),
    });
    this.#every(Duration.hours(1), gc);
    const queueArn = this.undelivered.queueArn;
    gc.addToRolePolicy(new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [queueArn] }));
    gc.configureAsyncInvoke({ retryAttempts: 2, onFailure: { bind: () => ({ destination: queueArn }) } });
    return gc;
  }

  /** What `tidemark-admin` invokes, by whoever may assume the operator's role. */
  #createAdmin({ profile, network, metadata, blocks, identity }: MaintenanceStackProps): void {
    const admin = new TidemarkFunction(this, 'Admin', {
      profile,
      memorySize: 1024,
      timeout: Duration.seconds(300),
      placement: network.inside,
      environment: { BLOCK_BUCKET: blocks.bucket.bucketName, USER_POOL_ID: identity.userPool.userPoolId },
      // A shard that moves gets its schema anew.
      files: [migrationFiles().path],
    });
    metadata.connectOwner(admin);
    blocks.grantLookUp(admin);
    blocks.grantListVersions(admin);
    const operator = new Role(this, 'Operator', {
      assumedBy: new AccountRootPrincipal(),
      description: 'For the people who run tidemark-admin',
    });
    grantInvoke(operator, admin);
    identity.grantAdminister(operator);
    new CfnOutput(this, 'AdminFunction', { value: admin.functionName });
    new CfnOutput(this, 'OperatorRole', { value: operator.roleArn });
  }

  #createQueue({ removalPolicy }: Profile): Queue {
    const queue = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy,
    });
    const last = 'It is where events end that could not be delivered; an alarm tells when it holds one.';
    acknowledge(queue, { 'AwsSolutions-SQS3': last, 'Serverless-SQSRedrivePolicy': last });
    return queue;
  }

  /** Runs a function by the clock. */
  #every(rate: Duration, fn: TidemarkFunction): void {
    const rule = new Rule(this, `${fn.node.id}Schedule`, {
      schedule: Schedule.rate(rate),
      targets: [new LambdaFunction(fn)],
    });
    acknowledge(rule, {
      'Serverless-EventBusDLQ':
        'Lambda takes every event into its own queue; what fails there has a destination, or the next run does its work.',
    });
  }
}
