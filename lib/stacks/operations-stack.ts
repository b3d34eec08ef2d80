import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { every, raise, type Watch } from '../constructs/alarms.ts';
import { figure, ThrottledRequests } from '../constructs/figures.ts';
import type { TidemarkFunction } from '../constructs/function.ts';
import { maxConnections } from '../profiles/aurora.ts';
import { isExpress, type Profile } from '../profiles/profile.ts';
import type { ApiStack } from './api-stack.ts';
import { createDashboard } from './dashboard.ts';
import type { MaintenanceStack } from './maintenance-stack.ts';
import type { MetadataStack } from './metadata-stack.ts';
import type { NotificationStack } from './notification-stack.ts';
import type { StreamStack } from './stream-stack.ts';

interface OperationsStackProps extends StackProps {
  readonly profile: Profile;
  readonly metadata: MetadataStack;
  readonly stream: StreamStack;
  readonly notification: NotificationStack;
  readonly maintenance: MaintenanceStack;
  readonly api: ApiStack;
}

/** Where requests wait for a function; the metrics of one alarm are at most ten. */
const waitedFor = ['UploadInit', 'Prove', 'DeltaApply', 'Finalize', 'Changes', 'Locate', 'Download', 'Ticket'];

/** What tells a person on call that something is wrong, and one dashboard to see what. */
export class OperationsStack extends Stack {
  constructor(scope: Construct, id: string, props: OperationsStackProps) {
    super(scope, id, props);
    const throttled = new ThrottledRequests(this, 'ThrottledRequests', props.api.accessLog).metric({
      statistic: Stats.SUM,
    });
    const topic = this.#createTopic();
    const watches = { ...this.#service(props, throttled), ...this.#background(props), ...this.#parts(props) };
    for (const [name, watch] of Object.entries(watches)) raise(this, name, topic, watch);
    createDashboard(this, { ...props, throttled });
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
  }

  /** Who should be told subscribes to it; nobody is by default. */
  #createTopic(): Topic {
    const topic = new Topic(this, 'Alarms', { displayName: 'Tidemark alarms', enforceSSL: true });
    // A topic with a policy of its own has lost the default one, which lets the account's services publish.
    const cloudWatch = new ServicePrincipal('cloudwatch.amazonaws.com');
    topic.grantPublish(cloudWatch.withConditions({ StringEquals: { 'aws:SourceAccount': this.account } }));
    return topic;
  }

  /** What a user of the service would notice. */
  #service({ notification, stream, api }: OperationsStackProps, throttled: Metric): Record<string, Watch> {
    const throttles = Object.fromEntries(
      [...waitedFor.map((name) => api.functions.get(name)), notification.notify].map((fn, index) => [
        `t${index}`,
        (fn as TidemarkFunction).metricThrottles({ statistic: Stats.SUM }),
      ]),
    );
    return {
      ApiErrors: {
        metric: new MathExpression({
          expression: 'IF(failed > 5, 100 * failed / count, 0)',
          usingMetrics: { failed: api.metric('5xx'), count: api.metric('Count') },
          label: 'percent of requests that failed',
        }),
        threshold: 1,
        periods: 2,
        of: 3,
        meaning: 'More than 1 % of requests fail, so devices retry and fall behind.',
      },
      ApiThrottled: {
        metric: every(5, throttled),
        threshold: 100,
        periods: 2,
        of: 3,
        meaning:
          'The HTTP API refuses requests for their rate: the throttle of the profile, or the quota of the account.',
      },
      FunctionThrottles: {
        metric: new MathExpression({ expression: 'SUM(METRICS())', usingMetrics: throttles, label: 'throttles' }),
        threshold: 0,
        periods: 2,
        of: 3,
        meaning:
          'Functions that requests wait for were not started: their concurrency, or that of the account, is used up.',
      },
      SocketErrors: {
        metric: new MathExpression({
          expression: 'execution + integration',
          usingMetrics: {
            execution: notification.metric('ExecutionError'),
            integration: notification.metric('IntegrationError'),
          },
          label: 'errors of the WebSocket API',
        }),
        threshold: 5,
        periods: 2,
        of: 3,
        meaning: 'Devices cannot connect or stay connected, so they hear of changes by polling, up to a minute late.',
      },
      NotifyLag: {
        metric: every(5, figure('NotifyLag', Stats.percentile(90))),
        threshold: 1000,
        periods: 3,
        of: 5,
        meaning: 'Changes take more than a second from their commit to other devices.',
      },
      NotifyAge: {
        metric: every(5, figure('NotifyAge', Stats.MAXIMUM)),
        threshold: Duration.minutes(2).toMilliseconds(),
        periods: 2,
        of: 3,
        meaning: 'Changes are minutes old when notify gets them, or one batch of them comes again and again.',
      },
      NotifyBacklog: {
        metric: stream.lagOf(notification.consumerGroup),
        threshold: Duration.minutes(2).toSeconds(),
        periods: 2,
        of: 3,
        meaning: 'Nobody, or too few, read the stream for notify, so changes wait for minutes to be pushed.',
      },
      PushesLost: {
        metric: every(5, figure('PushesLost')),
        threshold: 100,
        periods: 2,
        of: 3,
        meaning: 'Pushes are given up, so devices hear of changes minutes late.',
      },
    };
  }

  /** What nobody waits for, and what therefore may break unseen. */
  #background({ notification, maintenance }: OperationsStackProps): Record<string, Watch> {
    const { relay, gc, undelivered } = maintenance;
    const failures = { notify: notification.notify, relay, gc };
    return {
      BackgroundErrors: {
        metric: new MathExpression({
          expression: 'SUM(METRICS())',
          usingMetrics: Object.fromEntries(
            Object.entries(failures).map(([name, fn]) => [name, fn.metricErrors({ statistic: Stats.SUM })]),
          ),
          label: 'failed runs of notify, relay and gc',
        }),
        threshold: 3,
        periods: 2,
        of: 3,
        meaning: 'notify, relay or gc keeps failing; they repeat what failed, so something lasting is in the way.',
      },
      OutboxAge: {
        metric: every(5, figure('OutboxAge', Stats.MAXIMUM)),
        threshold: Duration.minutes(5).toMilliseconds(),
        periods: 1,
        of: 1,
        meaning: 'Committed changes have waited more than 5 minutes to be published; no push has gone out for them.',
      },
      GcLag: {
        metric: every(60, figure('GcLag', Stats.MAXIMUM)),
        threshold: Duration.hours(1).toSeconds(),
        periods: 3,
        of: 3,
        silenceIsBad: true,
        meaning: 'Blocks that nobody needs stay more than an hour too long, or no sweep has ended for three hours.',
      },
      UndeliveredEvents: {
        metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
        threshold: 0,
        periods: 1,
        of: 1,
        meaning: 'A wake-up or a scheduled run failed three times and lies in the queue.',
      },
      UnreadableRecords: {
        metric: every(5, figure('Unreadable')),
        threshold: 0,
        periods: 1,
        of: 1,
        meaning: 'The stream holds a record that is no event; consumers have put it aside and gone on.',
      },
    };
  }

  #parts({ profile, metadata, stream }: OperationsStackProps): Record<string, Watch> {
    const watches: Record<string, Watch> = {};
    for (const [index, cluster] of metadata.clusters.entries()) {
      const letter = String.fromCharCode('A'.charCodeAt(0) + index);
      const limit = maxConnections(profile.metadata);
      watches[`DatabaseConnections${letter}`] = {
        metric: cluster.metric('DatabaseConnections', Stats.MAXIMUM),
        threshold: Math.floor(limit * 0.8),
        periods: 2,
        of: 3,
        meaning: `Cluster ${letter} has used 80 % of its ${limit} connections; beyond them every request fails.`,
      };
      watches[`DatabaseCapacity${letter}`] = {
        metric: cluster.metric('ACUUtilization', Stats.AVERAGE),
        threshold: 90,
        periods: 3,
        of: 3,
        meaning: `Cluster ${letter} has been at its largest capacity for a quarter of an hour, so statements queue.`,
      };
    }
    // Express brokers have no disk that could fill.
    if (!isExpress(profile.stream)) {
      watches.BrokerDisk = {
        metric: new MathExpression({
          expression: 'MAX(METRICS())',
          usingMetrics: brokerDisks(stream, profile.stream.brokers),
          label: 'percent of the fullest broker disk',
        }),
        threshold: 80,
        periods: 1,
        of: 1,
        meaning: 'A broker that is full stops taking events, and the outbox grows.',
      };
    }
    return watches;
  }
}

function brokerDisks({ clusterName }: StreamStack, brokers: number): Record<string, IMetric> {
  const disks = Array.from({ length: brokers }, (_, index) => [
    `broker${index + 1}`,
    new Metric({
      namespace: 'AWS/Kafka',
      metricName: 'KafkaDataLogsDiskUsed',
      dimensionsMap: { 'Cluster Name': clusterName, 'Broker ID': String(index + 1) },
      statistic: Stats.MAXIMUM,
    }),
  ]);
  return Object.fromEntries(disks);
}
