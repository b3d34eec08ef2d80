import { Dashboard, GraphWidget, type IMetric, type IWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { numbered, ofAll } from '../constructs/figures.ts';
import type { Observed } from './observed.ts';

/** One page from the request of a device to the push to another, in that order. docs/operator-runbook.md reads it. */
export function createDashboard(scope: Construct, observed: Observed): void {
  new Dashboard(scope, 'Dashboard', { widgets: [requests(observed), propagation(observed), storage(observed)] });
}

function requests({ api, throttled }: Observed): IWidget[] {
  const invocations = (name: string) => api.functions.get(name)?.metricInvocations({ label: name }) as IMetric;
  const duration = (name: string) =>
    api.functions.get(name)?.metricDuration({ label: name, statistic: 'p95' }) as IMetric;
  const paths = ['Save', 'UploadInit', 'DeltaApply', 'Finalize', 'Changes', 'Download'];
  return [
    graph('Requests, and what went wrong', [api.metric('Count'), api.metric('4xx'), api.metric('5xx'), throttled]),
    graph('Calls by path', paths.map(invocations)),
    graph('Duration by path, p95, ms', paths.map(duration)),
  ];
}

function propagation({ figure, sockets, background, undelivered }: Observed): IWidget[] {
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
    graph('Sockets: connects and messages', [sockets.metric('ConnectCount'), sockets.metric('MessageCount')]),
    graph('Failed runs', [
      background.notify.metricErrors({ label: 'notify' }),
      background.relay.metricErrors({ label: 'relay' }),
      background.gc.metricErrors({ label: 'gc' }),
      undelivered.metricApproximateNumberOfMessagesVisible({ label: 'undelivered' }),
    ]),
  ];
}

function storage({ figure, clusters }: Observed): IWidget[] {
  const ofEach = (name: string) => clusters.map((cluster) => cluster.metric(name));
  return [
    graph('Garbage collection: lag, s', [figure('GcLag', Stats.MAXIMUM)]),
    graph('Blocks deleted', [figure('BlocksDeleted')]),
    graph('Database: connections', ofEach('DatabaseConnections')),
    graph('Database: capacity units', ofEach('ServerlessDatabaseCapacity')),
    graph('Database: commits that wait, ms', [
      ofAll('MAX', numbered('c', 0, ofEach('CommitLatency')), 'commit latency'),
    ]),
  ];
}

function graph(title: string, left: IMetric[]): GraphWidget {
  return new GraphWidget({ title, left, width: 8 });
}
