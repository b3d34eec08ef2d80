import { Dashboard, GraphWidget, type IMetric, type IWidget, MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { figure } from '../constructs/figures.ts';
import type { ApiStack } from './api-stack.ts';
import type { MaintenanceStack } from './maintenance-stack.ts';
import type { MetadataStack } from './metadata-stack.ts';
import type { NotificationStack } from './notification-stack.ts';

interface Sources {
  readonly metadata: MetadataStack;
  readonly notification: NotificationStack;
  readonly maintenance: MaintenanceStack;
  readonly api: ApiStack;
  /** Requests that were refused for their rate. */
  readonly throttled: IMetric;
}

/** One page from the request of a device to the push to another, in that order. docs/operator-runbook.md reads it. */
export function createDashboard(scope: Construct, sources: Sources): void {
  new Dashboard(scope, 'Dashboard', { widgets: [requests(sources), propagation(sources), storage(sources)] });
}

function requests({ api, throttled }: Sources): IWidget[] {
  const invocations = (name: string) => api.functions.get(name)?.metricInvocations({ label: name }) as IMetric;
  const duration = (name: string) =>
    api.functions.get(name)?.metricDuration({ label: name, statistic: 'p95' }) as IMetric;
  const paths = ['UploadInit', 'DeltaApply', 'Finalize', 'Changes', 'Download'];
  return [
    graph('Requests, and what went wrong', [api.metric('Count'), api.metric('4xx'), api.metric('5xx'), throttled]),
    graph('Calls by path', paths.map(invocations)),
    graph('Duration by path, p95, ms', paths.map(duration)),
  ];
}

function propagation({ notification, maintenance }: Sources): IWidget[] {
  return [
    graph('Commit to push, ms', [
      figure('NotifyLag', Stats.percentile(50)).with({ label: 'p50' }),
      figure('NotifyLag', Stats.percentile(90)).with({ label: 'p90' }),
      figure('NotifyLag', Stats.MAXIMUM).with({ label: 'most' }),
    ]),
    graph('Events published, pushes that arrived and that were given up', [
      figure('Published'),
      figure('Pushes'),
      figure('PushesLost'),
    ]),
    graph('Stream: age of the oldest change that waits for its push, ms', [figure('NotifyAge', Stats.MAXIMUM)]),
    graph('Outbox: age of the oldest event, ms', [figure('OutboxAge', Stats.MAXIMUM)]),
    graph('Sockets: connects and messages', [notification.metric('ConnectCount'), notification.metric('MessageCount')]),
    graph('Failed runs', [
      notification.notify.metricErrors({ label: 'notify' }),
      maintenance.relay.metricErrors({ label: 'relay' }),
      maintenance.gc.metricErrors({ label: 'gc' }),
      maintenance.undelivered.metricApproximateNumberOfMessagesVisible({ label: 'undelivered' }),
    ]),
  ];
}

function storage({ metadata }: Sources): IWidget[] {
  const ofEach = (name: string) => metadata.clusters.map((cluster) => cluster.metric(name));
  return [
    graph('Garbage collection: lag, s', [figure('GcLag', Stats.MAXIMUM)]),
    graph('Blocks deleted', [figure('BlocksDeleted')]),
    graph('Database: connections', ofEach('DatabaseConnections')),
    graph('Database: capacity units', ofEach('ServerlessDatabaseCapacity')),
    graph('Database: commits that wait, ms', [
      new MathExpression({
        expression: 'MAX(METRICS())',
        usingMetrics: Object.fromEntries(ofEach('CommitLatency').map((metric, index) => [`c${index}`, metric])),
        label: 'commit latency',
      }),
    ]),
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 });
}
