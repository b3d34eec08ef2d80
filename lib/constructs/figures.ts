import { type IMetric, MathExpression, Metric, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { deploymentName } from '../profiles/deployment.ts';

const namespace = 'Tidemark';

/** Figures of the system itself, which functions print (lambdas/shared/runtime/figures.ts), all with the name of the service. */
type FigureName =
  | 'NotifyLag'
  | 'NotifyAge'
  | 'Pushes'
  | 'PushesLost'
  | 'OutboxAge'
  | 'Published'
  | 'GcLag'
  | 'BlocksDeleted'
  | 'Unreadable';

/** A figure of one deployment; statistics such as `Stats.MAXIMUM`, a sum unless one is given. */
export type Figure = (name: FigureName, statistic?: string) => Metric;

/** The figures that the functions of the deployment print, under its name. */
export function figuresOf(scope: Construct): Figure {
  const dimensionsMap = { service: deploymentName(scope).toLowerCase() };
  return (metricName, statistic = Stats.SUM) => new Metric({ namespace, metricName, statistic, dimensionsMap });
}

/** One figure of several metrics. */
export function ofAll(operation: 'SUM' | 'MAX', usingMetrics: Record<string, IMetric>, label: string): MathExpression {
  return new MathExpression({ expression: `${operation}(METRICS())`, usingMetrics, label });
}

/** Names for metrics, counted from `first`. */
export function numbered(name: string, first: number, metrics: readonly IMetric[]): Record<string, IMetric> {
  return Object.fromEntries(metrics.map((metric, index) => [`${name}${first + index}`, metric]));
}

/** Requests that the HTTP API refused for their rate: no function sees them, so they are read out of its access log. */
export class ThrottledRequests extends MetricFilter {
  constructor(scope: Construct, id: string, accessLog: ILogGroup) {
    super(scope, id, {
      logGroup: accessLog,
      filterPattern: FilterPattern.stringValue('$.status', '=', '429'),
      metricNamespace: deploymentName(scope),
      metricName: 'Throttled',
      metricValue: '1',
      unit: Unit.COUNT,
    });
  }
}
