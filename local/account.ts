/** What the local cloud answers when it is asked about the account that it stands for. */
export interface AccountFigures {
  /** Concurrent executions of Lambda, and those that no function has reserved. */
  readonly concurrency: number;
  readonly unreserved: number;
  /** Zones of the region: names by id. */
  readonly zones: Readonly<Record<string, string>>;
  /** Ids of the zones in which the interface endpoints are to be had. */
  readonly endpointZones: readonly string[];
  readonly vpcs: number;
  /** Values of Service Quotas by code. */
  readonly quotas: Readonly<Record<string, number>>;
  /** Parameters of Systems Manager. */
  readonly parameters: Readonly<Record<string, string>>;
  /** States of stacks by name. */
  readonly stacks: Readonly<Record<string, string>>;
  /** Names of what CloudFront has in the account, by kind: `{ 'key-group': ['Signers'] }`. */
  readonly cdnNames: Readonly<Record<string, readonly string[]>>;
  /** Names of MSK clusters beside those of the template. */
  readonly kafkaClusters: readonly string[];
}

const region = '/aws/service/global-infrastructure/regions/us-east-1/services';

/** An account that has been in use for a while, in us-east-1. */
export const matureAccount: AccountFigures = {
  concurrency: 1000,
  unreserved: 1000,
  zones: { 'use1-az1': 'us-east-1b', 'use1-az2': 'us-east-1c', 'use1-az4': 'us-east-1a', 'use1-az6': 'us-east-1d' },
  endpointZones: ['use1-az1', 'use1-az2', 'use1-az4', 'use1-az6'],
  vpcs: 1,
  quotas: { 'L-8A5B8E43': 10_000, 'L-F678F1CE': 5, 'L-952B80B8': 40, 'L-7B6409FD': 40 },
  parameters: {
    '/cdk-bootstrap/hnb659fds/version': '30',
    [`${region}/kafka`]: 'kafka',
    [`${region}/cognito-idp`]: 'cognito-idp',
  },
  stacks: {},
  cdnNames: {},
  kafkaClusters: [],
};
