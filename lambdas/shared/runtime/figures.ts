import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** What alarms and the dashboard read (lib/constructs/figures.ts). */
const units = {
  /** From the commit of the oldest change of a batch until it was pushed. */
  NotifyLag: MetricUnit.Milliseconds,
  /** Age of the oldest change of a batch when notify began: it grows while a batch keeps coming again. */
  NotifyAge: MetricUnit.Milliseconds,
  Pushes: MetricUnit.Count,
  /** Pushes that failed or had no time left; their devices read the changes within minutes. */
  PushesLost: MetricUnit.Count,
  /** Age of the oldest event that was not published, when relay began. */
  OutboxAge: MetricUnit.Milliseconds,
  Published: MetricUnit.Count,
  /** For how long the oldest block could have been deleted, when a sweep ended. */
  GcLag: MetricUnit.Seconds,
  BlocksDeleted: MetricUnit.Count,
  /** Records of the stream that are no event. */
  Unreadable: MetricUnit.Count,
} as const;

const metrics = new Metrics({ namespace: 'Tidemark' });

/** Prints figures as one log line in CloudWatch's embedded metric format, which takes no right and no call. */
export function record(figures: Partial<Record<keyof typeof units, number>>): void {
  for (const [name, value] of Object.entries(figures))
    metrics.addMetric(name, units[name as keyof typeof units], value);
  metrics.publishStoredMetrics();
}
