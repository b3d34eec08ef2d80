import type { IMetric, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { DatabaseCluster } from '../constructs/database-cluster.ts';
import type { Figure } from '../constructs/figures.ts';
import type { TidemarkFunction } from '../constructs/function.ts';

/** An API that counts: its metrics by API Gateway's names, over five minutes. */
interface Counted {
  metric(name: string): Metric;
}

/** What MSK says of its brokers. */
export interface BrokerFigures {
  /** The percentage of its disk that each has used; none where brokers have no disk that could fill. */
  readonly disks: readonly IMetric[];
  /** The CPU credits that each has left; none where their size takes none. */
  readonly credits: readonly IMetric[];
  /** Partitions that no broker leads. */
  readonly offline: IMetric;
}

/** What the alarms and the dashboard look at, beside the figures that functions print. */
export interface Observed {
  /** What functions print. */
  readonly figure: Figure;
  /** The HTTP API, with the functions behind its routes by construct id. */
  readonly api: Counted & { readonly functions: ReadonlyMap<string, TidemarkFunction> };
  /** Requests that were refused for their rate. */
  readonly throttled: Metric;
  /** The WebSocket API. */
  readonly sockets: Counted;
  /** What runs without anybody waiting for it. */
  readonly background: Readonly<Record<'notify' | 'relay' | 'gc', TidemarkFunction>>;
  /** Where events end that could not be delivered. */
  readonly undelivered: IQueue;
  /** How far notify is behind the end of the stream, in seconds. */
  readonly notifyBacklog: IMetric;
  /** How far gc is behind the end of the stream, in seconds. */
  readonly gcBacklog: IMetric;
  readonly brokers: BrokerFigures;
  readonly clusters: readonly DatabaseCluster[];
  /** The connections that each of them takes. */
  readonly maxConnections: number;
}
