import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { every, type Watch } from '../constructs/alarms.ts';
import { numbered, ofAll } from '../constructs/figures.ts';
import type { TidemarkFunction } from '../constructs/function.ts';
import type { Observed } from './observed.ts';

type Watches = Readonly<Record<string, Watch>>;

/** Where requests wait for a function; the metrics of one alarm are at most ten. */
const waitedFor = ['UploadInit', 'Save', 'Prove', 'DeltaApply', 'Finalize', 'Changes', 'Locate', 'Download', 'Ticket'];

const once = { periods: 1, of: 1 };
const twoOfThree = { periods: 2, of: 3 };

/** All alarms by their names, which are also those of their sections in docs/operator-runbook.md. */
export function watches(observed: Observed): Watches {
  return {
    ...requests(observed),
    ...propagation(observed),
    ...background(observed),
    ...databases(observed),
    ...brokers(observed),
  };
}

function requests({ api, throttled, sockets, background }: Observed): Watches {
  const waited = [...waitedFor.map((name) => api.functions.get(name) as TidemarkFunction), background.notify];
  return {
    ApiErrors: {
      ...twoOfThree,
      metric: new MathExpression({
        expression: 'IF(failed > 5, 100 * failed / count, 0)',
        usingMetrics: { failed: api.metric('5xx'), count: api.metric('Count') },
        label: 'percent of requests that failed',
      }),
      threshold: 1,
      meaning: 'More than 1 % of requests fail, so devices retry and fall behind.',
    },
    ApiThrottled: {
      ...twoOfThree,
      metric: every(5, throttled),
      threshold: 100,
      meaning:
        'The HTTP API refuses requests for their rate: the throttle of the profile, or the quota of the account.',
    },
    FunctionThrottles: {
      ...twoOfThree,
      metric: ofAll(
        'SUM',
        numbered(
          't',
          0,
          waited.map((fn) => fn.metricThrottles({ statistic: Stats.SUM })),
        ),
        'throttles',
      ),
      threshold: 0,
      meaning:
        'Functions that requests wait for were not started: their concurrency, or that of the account, is used up.',
    },
    SocketErrors: {
      ...twoOfThree,
      metric: new MathExpression({
        expression: 'execution + integration',
        usingMetrics: { execution: sockets.metric('ExecutionError'), integration: sockets.metric('IntegrationError') },
        label: 'errors of the WebSocket API',
      }),
      threshold: 5,
      meaning: 'Devices cannot connect or stay connected, so they hear of changes by polling, up to a minute late.',
    },
  };
}

function propagation({ figure, notifyBacklog }: Observed): Watches {
  return {
    NotifyLag: {
      periods: 3,
      of: 5,
      metric: every(5, figure('NotifyLag', Stats.percentile(90))),
      threshold: 1000,
      meaning: 'Changes take more than a second from their commit to other devices.',
    },
    NotifyAge: {
      ...twoOfThree,
      metric: every(5, figure('NotifyAge', Stats.MAXIMUM)),
      threshold: Duration.minutes(2).toMilliseconds(),
      meaning: 'Changes are minutes old when notify gets them, or one batch of them comes again and again.',
    },
    NotifyBacklog: {
      ...twoOfThree,
      metric: notifyBacklog,
      threshold: Duration.minutes(2).toSeconds(),
      meaning: 'Nobody, or too few, read the stream for notify, so changes wait for minutes to be pushed.',
    },
    PushesLost: {
      ...twoOfThree,
      metric: every(5, figure('PushesLost')),
      threshold: 100,
      meaning: 'Pushes are given up, so devices hear of changes minutes late.',
    },
  };
}

/** What nobody waits for, and what therefore may break unseen. */
function background({ figure, background, undelivered, clusters, gcBacklog }: Observed): Watches {
  const failures = Object.entries(background).map(([name, fn]) => [name, fn.metricErrors({ statistic: Stats.SUM })]);
  return {
    BackgroundErrors: {
      ...twoOfThree,
      metric: ofAll('SUM', Object.fromEntries(failures), 'failed runs of notify, relay and gc'),
      threshold: 3,
      meaning: 'notify, relay or gc keeps failing; they repeat what failed, so something lasting is in the way.',
    },
    OutboxAge: {
      ...once,
      metric: every(5, figure('OutboxAge', Stats.MAXIMUM)),
      threshold: Duration.minutes(5).toMilliseconds(),
      meaning: 'Committed changes have waited more than 5 minutes to be published; no push has gone out for them.',
    },
    GcLag: {
      periods: 3,
      of: 3,
      metric: every(60, figure('GcLag', Stats.MAXIMUM)),
      threshold: Duration.hours(1).toSeconds(),
      meaning: 'Blocks that nobody needs stay more than an hour too long.',
    },
    GcSilent: {
      periods: 3,
      of: 3,
      // A run that was never started leaves no figure at all, and silence alone would ring in a new deployment. The
      // database tells the time by a figure that is always there; before it, nothing is late.
      metric: new MathExpression({
        expression: 'IF(clock >= 0, IF(FILL(runs, 0) > 0, 0, 1), 0)',
        usingMetrics: {
          clock: clusters[0]!.metric('ServerlessDatabaseCapacity', Stats.AVERAGE),
          runs: background.gc.metricInvocations({ statistic: Stats.SUM }),
        },
        label: 'hours without a run of gc',
        period: Duration.hours(1),
      }),
      threshold: 0,
      meaning: 'No sweep has begun for three hours, so nothing is deleted.',
    },
    GcBacklog: {
      ...twoOfThree,
      metric: gcBacklog,
      threshold: Duration.minutes(30).toSeconds(),
      meaning: 'Nobody reads the stream for gc, so nothing that has become useless is known to it.',
    },
    RelayThrottles: {
      ...twoOfThree,
      metric: background.relay.metricThrottles({ statistic: Stats.SUM }),
      threshold: 0,
      meaning:
        'Relays are not started, so changes are pushed late: their concurrency, or that of the account, is used up.',
    },
    UndeliveredEvents: {
      ...once,
      metric: undelivered.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM }),
      threshold: 0,
      meaning: 'A scheduled run of gc failed three times and lies in the queue.',
    },
    UnreadableRecords: {
      ...once,
      metric: every(5, figure('Unreadable')),
      threshold: 0,
      meaning: 'The stream holds a record that is no event; consumers have put it aside and gone on.',
    },
  };
}

function databases({ clusters, maxConnections }: Observed): Watches {
  const watches: Record<string, Watch> = {};
  for (const [index, cluster] of clusters.entries()) {
    const letter = String.fromCharCode('A'.charCodeAt(0) + index);
    watches[`DatabaseConnections${letter}`] = {
      ...twoOfThree,
      metric: cluster.metric('DatabaseConnections', Stats.MAXIMUM),
      threshold: Math.floor(maxConnections * 0.8),
      meaning: `Cluster ${letter} has used 80 % of its ${maxConnections} connections; beyond them every request fails.`,
    };
    watches[`DatabaseCapacity${letter}`] = {
      periods: 3,
      of: 3,
      metric: cluster.metric('ACUUtilization', Stats.AVERAGE),
      threshold: 90,
      meaning: `Cluster ${letter} has been at its largest capacity for a quarter of an hour, so statements queue.`,
    };
  }
  return watches;
}

function brokers({ brokers: { disks, credits, offline } }: Observed): Watches {
  return {
    OfflinePartitions: {
      ...twoOfThree,
      metric: offline,
      threshold: 0,
      meaning: 'Parts of the stream have no broker: their events wait in the outbox, and those devices hear late.',
    },
    ...(disks.length > 0 && {
      BrokerDisk: {
        ...once,
        metric: ofAll('MAX', numbered('broker', 1, disks), 'percent of the fullest broker disk'),
        threshold: 80,
        meaning: 'A broker that is full stops taking events, and the outbox grows.',
      },
    }),
    ...(credits.length > 0 && {
      BrokerCredit: {
        // Longer than a new broker takes to earn its first ones.
        periods: 3,
        of: 3,
        metric: new MathExpression({
          expression: 'IF(MIN(METRICS()) < 20, 1, 0)',
          usingMetrics: numbered('broker', 1, credits),
          label: 'a broker has few CPU credits left',
          period: Duration.hours(1),
        }),
        threshold: 0,
        meaning: 'A broker does more than its size allows for long, and will be slowed down to a fifth of a CPU.',
      },
    }),
  };
}
