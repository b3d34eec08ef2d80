/**
 * When and where the prices below were read: pages and price list files of AWS, and repositories that quote them. Those of
 * warm Lambda, keys, secrets, alarms, metrics, logs and traces are from no page and have to be compared with AWS's.
 */
export const priceList = { date: '2026-11-24', region: 'us-east-1' } as const;

/** Hours that AWS counts in a month. */
export const HOURS = 730;

/** US dollars. */
export const prices = {
  /** An hour of one broker. */
  broker: { 'kafka.t3.small': 0.0456, 'express.m7g.large': 0.408 } as Readonly<Record<string, number>>,
  brokerDiskGbMonth: 0.1,
  /** An hour of an interface endpoint in one zone. */
  endpointHour: 0.01,
  /** An hour of one Aurora capacity unit, 2 GiB. */
  capacityUnitHour: 0.12,
  databaseGbMonth: 0.1,
  databaseMillionRequests: 0.2,
  /** An hour of a proxy for each capacity unit behind it, of which at least eight are charged. */
  proxyUnitHour: 0.015,
  /** An hour of one event poller unit: ten pollers. */
  pollerUnitHour: 0.185,
  lambdaMillion: 0.2,
  lambdaGbSecond: 0.0000133334,
  /** A second of one GB that is kept warm. */
  lambdaWarmGbSecond: 0.0000033334,
  httpMillion: 1,
  socketMillion: 1,
  socketMillionMinutes: 0.25,
  dynamoMillionWrites: 0.625,
  dynamoMillionReads: 0.125,
  s3GbMonth: 0.023,
  s3ThousandPuts: 0.005,
  s3ThousandGets: 0.0004,
  /** Beyond the first TB and ten million requests of a month, which are free for ever. */
  cdnGb: 0.085,
  keyMonth: 1,
  secretMonth: 0.4,
  alarmMetricMonth: 0.1,
  customMetricMonth: 0.3,
  logGb: 0.5,
  traceMillion: 5,
} as const;
