import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, type IMetric, type Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

/** An alarm on a figure that is too high. */
export interface Watch {
  readonly metric: IMetric;
  readonly threshold: number;
  /** How many of the last `of` periods have to be above. */
  readonly periods: number;
  readonly of: number;
  /** What it means to users, in one sentence. */
  readonly meaning: string;
}

/** Raises an alarm to the topic. Its section in docs/operator-runbook.md has its name, without the letter of a cluster. */
export function raise(scope: Construct, name: string, topic: ITopic, watch: Watch): Alarm {
  const section = name.replace(/[A-Z]$/, '').toLowerCase();
  const alarm = new Alarm(scope, name, {
    alarmDescription: `${watch.meaning} What to do: docs/operator-runbook.md#${section}`,
    metric: watch.metric,
    threshold: watch.threshold,
    comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
    datapointsToAlarm: watch.periods,
    evaluationPeriods: watch.of,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  });
  alarm.addAlarmAction(new SnsAction(topic));
  alarm.addOkAction(new SnsAction(topic));
  return alarm;
}

/** A metric over another period than its own. */
export function every(minutes: number, metric: Metric): Metric {
  return metric.with({ period: Duration.minutes(minutes) });
}
