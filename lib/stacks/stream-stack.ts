import { CustomResource, Duration, Fn, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, type StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { CfnCluster, CfnTopic } from 'aws-cdk-lib/aws-msk';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { TidemarkFunction } from '../constructs/function.ts';
import { grantPollerInterfaces } from '../constructs/grants.ts';
import { SharedValue } from '../constructs/shared-value.ts';
import { deploymentName } from '../profiles/deployment.ts';
import { isExpress, type Profile } from '../profiles/profile.ts';
import type { NetworkStack } from './network-stack.ts';
import type { BrokerFigures } from './observed.ts';

interface StreamStackProps extends StackProps {
  readonly profile: Profile;
  readonly network: NetworkStack;
}

/** How a function reads the topic. */
interface Consumption {
  /** Name of the consumer group; two functions with one name would share the records. */
  readonly group: string;
  readonly from: StartingPosition;
  /** Most records of one invocation. */
  readonly batchSize: number;
  /** How long Lambda may wait for a batch to fill. */
  readonly window: Duration;
}

const topicName = 'file-changed';

/** The sync stream: a Kafka cluster that knows its clients by IAM, and the topic of committed changes. */
export class StreamStack extends Stack {
  readonly topicName = topicName;
  readonly #clusterArn: SharedValue;
  readonly #topicArn: SharedValue;
  readonly #brokers: SharedValue;
  readonly #clusterName: string;
  readonly #profile: Profile;
  readonly #cluster: CfnCluster;
  readonly #topic: CfnTopic;

  constructor(scope: Construct, id: string, { profile, network, ...props }: StreamStackProps) {
    super(scope, id, props);
    this.#profile = profile;
    // Standard brokers cannot become Express ones, or leave ZooKeeper, in place (MSK ignores the change), nor can a
    // cluster change its zones. CloudFormation builds a new one if that changes, and refuses to under the same name.
    const kind = isExpress(profile.stream) ? 'express' : 'standard';
    this.#clusterName = `${deploymentName(this).toLowerCase()}-${kind}-${profile.zones}-zones`;
    this.#cluster = this.#createCluster(network);

    this.#topic = new CfnTopic(this, 'FileChanged', {
      clusterArn: this.#cluster.attrArn,
      topicName,
      // Keyed by user, one for each of his shards: the order of a user's changes is the order of a partition.
      partitionCount: 64,
      replicationFactor: profile.stream.replicationFactor,
      configs: Buffer.from(`retention.ms=${Duration.days(7).toMilliseconds()}`).toString('base64'),
    });
    const share = (id: string, path: string, value: string): SharedValue =>
      new SharedValue(this, id, { path: `/${deploymentName(this)}/stream/${path}`, value });
    this.#clusterArn = share('ClusterArn', 'cluster-arn', this.#cluster.attrArn);
    this.#topicArn = share('TopicArn', 'topic-arn', this.#topic.attrTopicArn);
    this.#brokers = share('BrokerList', 'brokers', this.#lookUpBrokers());
  }

  /** Bootstrap brokers, `host:port` separated by commas, as a construct of another stack reads them. */
  brokersFor(scope: Construct): string {
    return this.#brokers.in(scope);
  }

  /** Lets a function write to the topic. It also has to sit in the network's publishing placement. */
  grantWrite(fn: TidemarkFunction): void {
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['kafka-cluster:Connect', 'kafka-cluster:WriteDataIdempotently'],
        resources: [this.#clusterArn.in(fn)],
      }),
    );
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:WriteData'],
        resources: [this.#topicArn.in(fn)],
      }),
    );
  }

  /**
   * Invokes a function with the records of the topic. Lambda polls from the subnets and the security group of
   * the cluster, with the role of the function, so that the function itself may sit outside the VPC.
   */
  feed(fn: TidemarkFunction, { group, from, batchSize, window }: Consumption): void {
    this.#grantRead(fn, group);
    const { pollers } = this.#profile.stream;
    const mapping = new EventSourceMapping(fn, 'Changes', {
      target: fn,
      eventSourceArn: this.#clusterArn.in(fn),
      kafkaTopic: topicName,
      kafkaConsumerGroupId: group,
      startingPosition: from,
      batchSize,
      maxBatchingWindow: window,
      ...(pollers && {
        provisionedPollerConfig: { minimumPollers: pollers.minimum, maximumPollers: pollers.maximum },
      }),
    });
    acknowledge(mapping, {
      'Serverless-LambdaEventSourceMappingDestination':
        'With a destination a batch is given up after ten tries, while a database is away for instance. Consumers put a record that cannot be read aside by its offset and count it; for all else they try until it works.',
    });
  }

  /** Seconds that a consumer group would need for what waits, as MSK estimates it: also while nobody reads at all. */
  lagOf(group: string): Metric {
    return new Metric({
      namespace: 'AWS/Kafka',
      metricName: 'EstimatedMaxTimeLag',
      dimensionsMap: { 'Cluster Name': this.#clusterName, 'Consumer Group': group, Topic: topicName },
      statistic: Stats.MAXIMUM,
    });
  }

  get brokerFigures(): BrokerFigures {
    const { stream } = this.#profile;
    const metric = (metricName: string, broker?: number): Metric =>
      new Metric({
        namespace: 'AWS/Kafka',
        metricName,
        dimensionsMap: { 'Cluster Name': this.#clusterName, ...(broker && { 'Broker ID': String(broker) }) },
        statistic: Stats.MAXIMUM,
      });
    const each = (metricName: string): Metric[] =>
      Array.from({ length: stream.brokers }, (_, index) => metric(metricName, index + 1));
    return {
      disks: isExpress(stream) ? [] : each('KafkaDataLogsDiskUsed'),
      credits: stream.instanceType.startsWith('kafka.t3.') ? each('CPUCreditBalance') : [],
      offline: metric('OfflinePartitionsCount'),
    };
  }

  /** What pollers do with the role of the function. ManagedKafkaEventSource grants more, for passwords and all logs. */
  #grantRead(fn: TidemarkFunction, group: string): void {
    const clusterArn = this.#clusterArn.in(fn);
    const [prefix, cluster] = [0, 1].map((part) => Fn.select(part, Fn.split(':cluster/', clusterArn)));
    const statements = [
      // By these Lambda finds the brokers.
      { actions: ['kafka:DescribeClusterV2', 'kafka:GetBootstrapBrokers'], resources: [clusterArn] },
      {
        actions: ['kafka-cluster:Connect', 'kafka-cluster:DescribeClusterDynamicConfiguration'],
        resources: [clusterArn],
      },
      { actions: ['kafka-cluster:DescribeTopic', 'kafka-cluster:ReadData'], resources: [this.#topicArn.in(fn)] },
      {
        actions: ['kafka-cluster:DescribeGroup', 'kafka-cluster:AlterGroup'],
        resources: [`${prefix}:group/${cluster}/${group}`],
      },
    ];
    for (const statement of statements) fn.addToRolePolicy(new PolicyStatement(statement));
    grantPollerInterfaces(fn);
  }

  #createCluster(network: NetworkStack): CfnCluster {
    const { stream, removalPolicy, logRetention } = this.#profile;
    const logGroup = new LogGroup(this, 'BrokerLogs', { retention: logRetention, removalPolicy });
    const cluster = new CfnCluster(this, 'Cluster', {
      clusterName: this.#clusterName,
      kafkaVersion: stream.kafkaVersion,
      numberOfBrokerNodes: stream.brokers,
      brokerNodeGroupInfo: {
        instanceType: stream.instanceType,
        clientSubnets: network.vpc.isolatedSubnets.map((subnet) => subnet.subnetId),
        securityGroups: [network.brokerGroup.securityGroupId],
        ...(stream.storage && { storageInfo: { ebsStorageInfo: { volumeSize: stream.storage.toGibibytes() } } }),
      },
      clientAuthentication: { sasl: { iam: { enabled: true } } },
      encryptionInfo: { encryptionInTransit: { clientBroker: 'TLS', inCluster: true } },
      loggingInfo: { brokerLogs: { cloudWatchLogs: { enabled: true, logGroup: logGroup.logGroupName } } },
    });
    // Not kept: what waits in the outbox is the truth, and brokers that nobody reads cost as much as others.
    cluster.applyRemovalPolicy(RemovalPolicy.DESTROY);
    return cluster;
  }

  /** CloudFormation does not know a cluster's bootstrap brokers; a function asks MSK once, at deployment. */
  #lookUpBrokers(): string {
    const brokers = new TidemarkFunction(this, 'Brokers', {
      profile: this.#profile,
      memorySize: 256,
      timeout: Duration.seconds(120),
    });
    brokers.addToRolePolicy(
      new PolicyStatement({ actions: ['kafka:GetBootstrapBrokers'], resources: [this.#cluster.attrArn] }),
    );
    const bootstrap = new CustomResource(this, 'Bootstrap', {
      serviceToken: brokers.functionArn,
      resourceType: 'Custom::BootstrapBrokers',
      serviceTimeout: Duration.minutes(5),
      // The number: it asks anew when brokers join.
      properties: { ClusterArn: this.#cluster.attrArn, Brokers: String(this.#profile.stream.brokers) },
    });
    bootstrap.node.addDependency(brokers);
    return bootstrap.getAttString('Brokers');
  }
}
