import type { Deployment } from '../deployment.ts';

const blocks = ['BlockPublicAcls', 'BlockPublicPolicy', 'IgnorePublicAcls', 'RestrictPublicBuckets'] as const;

interface Statement {
  readonly Effect: string;
  readonly Principal: unknown;
}

/** Ways by which somebody without an account could read or write a bucket. */
export function bucketProblems({ resources }: Deployment): string[] {
  const open = resources('AWS::S3::Bucket').flatMap(({ path, properties }) => {
    const settings = (properties.PublicAccessBlockConfiguration ?? {}) as Record<string, unknown>;
    const missing = blocks.filter((block) => settings[block] !== true);
    return missing.length === 0 ? [] : [`${path} can be made public: it lacks ${missing.join(', ')}`];
  });
  const granted = resources('AWS::S3::BucketPolicy').flatMap(({ path, properties }) => {
    const { Statement } = properties.PolicyDocument as { Statement: readonly Statement[] };
    const everybody = Statement.filter(({ Effect, Principal }) => Effect === 'Allow' && isEverybody(Principal));
    return everybody.length === 0 ? [] : [`${path} lets everybody in`];
  });
  return [...open, ...granted];
}

function isEverybody(principal: unknown): boolean {
  return principal === '*' || (principal as { AWS?: unknown }).AWS === '*';
}
