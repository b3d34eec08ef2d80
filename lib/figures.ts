import { Metric, Stats, Unit } from 'aws-cdk-lib/aws-cloudwatch';
import { FilterPattern, type IFilterPattern, type ILogGroup, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';

const namespace = 'Tidemark';

/** A figure of the system itself, read out of its log lines: no function sends metrics, and none needs the right to. */
interface Figure {
  readonly pattern: IFilterPattern;
  /** The field of the line that holds the value; `1` counts lines. */
  readonly value: string;
  readonly unit: Unit;
}

function message(text: string): IFilterPattern {
  return FilterPattern.stringValue('$.message', '=', text);
}

/** Each line is written by one function under lambdas/; test/e2e/figures.test.ts finds the fields in what they print. */
const figures = {
  /** From the commit of the oldest change of a batch until it was pushed. */
  NotifyLag: { pattern: message('pushed'), value: '$.lag_ms', unit: Unit.MILLISECONDS },
  Pushes: { pattern: message('pushed'), value: '$.sent', unit: Unit.COUNT },
  /** Age of the oldest event that was not published, when relay began. */
  OutboxAge: { pattern: message('outbox'), value: '$.age_ms', unit: Unit.MILLISECONDS },
  Published: { pattern: message('relayed'), value: '$.published', unit: Unit.COUNT },
  /** For how long the oldest block could have been deleted, when a sweep ended. */
  GcLag: { pattern: message('swept'), value: '$.lag_s', unit: Unit.SECONDS },
  BlocksDeleted: { pattern: message('swept'), value: '$.blocks_deleted', unit: Unit.COUNT },
  /** Records of the stream that are no event. */
  Unreadable: { pattern: message('not a file_changed event'), value: '1', unit: Unit.COUNT },
  /** Requests that the HTTP API refused for their rate. */
  Throttled: { pattern: FilterPattern.stringValue('$.status', '=', '429'), value: '1', unit: Unit.COUNT },
} satisfies Record<string, Figure>;

export type FigureName = keyof typeof figures;

/** Has CloudWatch read a figure out of a log group. */
export function readFigure(scope: Construct, name: FigureName, logGroup: ILogGroup): void {
  const { pattern, value, unit } = figures[name];
  new MetricFilter(scope, `${name}In${logGroup.node.id}`, {
    logGroup,
    filterPattern: pattern,
    metricNamespace: namespace,
    metricName: name,
    metricValue: value,
    unit,
  });
}

/** @param statistic such as `Stats.MAXIMUM` */
export function figure(name: FigureName, statistic: string = Stats.SUM): Metric {
  return new Metric({ namespace, metricName: name, statistic });
}
