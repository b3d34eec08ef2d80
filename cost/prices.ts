/** Hours that AWS counts in a month. */
export const HOURS = 730;

/** US dollars, in us-east-1; `sources` has from where, and when they were read. */
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
  /** A user who signs in or renews a token in a month, beyond the first 10,000. */
  activeUser: 0.015,
  keyMonth: 1,
  secretMonth: 0.4,
  alarmMetricMonth: 0.1,
  customMetricMonth: 0.3,
  logGb: 0.5,
  traceMillion: 5,
} as const;

/** Users of a month who cost nothing. */
export const FREE_USERS = 10_000;

/** `aws`: a page of AWS, or a file that AWS publishes. `quoted`: repositories and articles that quote AWS's price list. */
type Source = { readonly from: 'aws' | 'quoted'; readonly where: string; readonly date: string };

const toolkit = { from: 'aws', where: 'github.com/aws/agent-toolkit-for-aws', date: '2026-11-24' } as const;
const gateway = { from: 'quoted', where: 'amnic.com/blogs/aws-api-gateway-pricing', date: '2026-11-30' } as const;
const dynamo = {
  from: 'quoted',
  where: 'airbyte.com/data-engineering-resources/dynamodb-pricing',
  date: '2026-11-30',
} as const;
const quoted = { from: 'quoted', where: "repositories that quote AWS's price list", date: '2026-11-24' } as const;

/** Where each price is from. Those that are not `aws` have to be compared with AWS's pages before anybody relies on them. */
export const sources: Readonly<Record<keyof typeof prices, Source>> = {
  broker: quoted,
  brokerDiskGbMonth: toolkit,
  endpointHour: toolkit,
  capacityUnitHour: toolkit,
  databaseGbMonth: toolkit,
  databaseMillionRequests: toolkit,
  proxyUnitHour: quoted,
  pollerUnitHour: quoted,
  lambdaMillion: quoted,
  lambdaGbSecond: quoted,
  lambdaWarmGbSecond: {
    from: 'quoted',
    where: 'repositories that quote aws.amazon.com/lambda/pricing',
    date: '2026-11-30',
  },
  httpMillion: gateway,
  socketMillion: gateway,
  socketMillionMinutes: gateway,
  dynamoMillionWrites: dynamo,
  dynamoMillionReads: dynamo,
  s3GbMonth: toolkit,
  s3ThousandPuts: quoted,
  s3ThousandGets: toolkit,
  cdnGb: { from: 'aws', where: 'aws.amazon.com/cloudfront/pricing', date: '2026-11-30' },
  activeUser: { from: 'quoted', where: 'repositories that quote aws.amazon.com/cognito/pricing', date: '2026-11-29' },
  keyMonth: { from: 'aws', where: 'aws.amazon.com/kms/pricing', date: '2026-11-30' },
  secretMonth: { from: 'quoted', where: 'hivebook.wiki', date: '2026-11-30' },
  alarmMetricMonth: {
    from: 'quoted',
    where: 'repositories that quote aws.amazon.com/cloudwatch/pricing',
    date: '2026-11-30',
  },
  customMetricMonth: { from: 'quoted', where: 'signoz.io/guides/cloudwatch-pricing', date: '2026-11-30' },
  logGb: { from: 'quoted', where: 'factualminds.com, on CloudWatch pricing', date: '2026-11-30' },
  traceMillion: { from: 'aws', where: 'aws.amazon.com/xray/pricing', date: '2026-11-30' },
};

/** One sentence on where the prices are from. */
export function whence(): string {
  const all = Object.values(sources);
  const dates = all.map(({ date }) => date).sort();
  const ownPages = all.filter(({ from }) => from === 'aws').length;
  return `Prices of us-east-1, read from ${dates[0]} to ${dates.at(-1)}: ${ownPages} of ${all.length} on pages or in files of AWS, the others where somebody quotes them ('npm run cost -- --prices' says which).`;
}
