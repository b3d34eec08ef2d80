import type { StepName, StepResult } from './steps.ts';

/** Something that holds in an AWS account or does not, and that nothing before a deployment can show. */
interface Question {
  readonly what: string;
  /** Steps that could not have ended well otherwise. */
  readonly provenBy?: readonly StepName[];
  /** Where the walk cannot see it: how to look. */
  readonly look?: string;
}

const questions: readonly Question[] = [
  { what: 'Cognito signs users in, and the HTTP API accepts its tokens', provenBy: ['sign-in'] },
  { what: 'Aurora (or its proxy) accepts the IAM tokens of the functions, over TLS', provenBy: ['upload'] },
  { what: 'security groups and routes let the functions reach the database', provenBy: ['upload'] },
  { what: 'functions in the VPC reach S3 and Lambda through the endpoints', provenBy: ['upload', 'delta', 'notify'] },
  { what: 'S3 refuses content that does not match its signed checksum', provenBy: ['tampered upload'] },
  { what: 'MSK accepts the IAM token of relay, and the event pollers reach brokers and Lambda', provenBy: ['notify'] },
  { what: '@connections can be reached from outside the VPC', provenBy: ['notify', 'revoke'] },
  { what: 'CloudFront knows the key that signs, and reads the bucket (OAC)', provenBy: ['download'] },
  { what: 'nobody else reads the bucket, nor the CDN without a signature', provenBy: ['direct access'] },
  {
    what: 'quotas: Lambda has the concurrency that the profile counts on',
    look: 'aws service-quotas get-service-quota --service-code lambda --quota-code L-B99A9384',
  },
  {
    what: 'quotas: API Gateway has the request rate that the profile counts on, callbacks included',
    look: 'aws service-quotas list-service-quotas --service-code apigateway',
  },
  {
    what: 'no connection of the database proxy is pinned (the sum has to be 0 but for deployments and moves of shards)',
    look: 'aws cloudwatch get-metric-statistics --namespace AWS/RDS --metric-name DatabaseConnectionsCurrentlySessionPinned --statistics Sum --period 3600 --start-time "$(date -ud -1hour +%FT%TZ)" --end-time "$(date -u +%FT%TZ)"',
  },
];

export type Verdict = 'proven' | 'failed' | 'open' | 'look';

/** Each question with what the walk says about it: `open` where a step it needs was not reached. */
export function checklist(results: readonly StepResult[]): { what: string; verdict: Verdict; look?: string }[] {
  const verdictOf = (step: StepName): Verdict => {
    const result = results.find((one) => one.step === step);
    if (!result) return 'open';
    return result.failure === undefined ? 'proven' : 'failed';
  };
  return questions.map(({ what, provenBy = [], look }) => {
    if (look !== undefined) return { what, verdict: 'look', look };
    const verdicts = provenBy.map(verdictOf);
    const verdict = (['failed', 'open'] as const).find((one) => verdicts.includes(one)) ?? 'proven';
    return { what, verdict };
  });
}
