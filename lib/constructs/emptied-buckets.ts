import { CustomResource, Duration, RemovalPolicy } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { Profile } from '../profiles/profile.ts';
import { TidemarkFunction } from './function.ts';

interface EmptiedBucketsProps {
  readonly profile: Profile;
  readonly buckets: readonly Bucket[];
}

/**
 * Empties buckets before they are deleted, which S3 refuses otherwise. It is there in every profile, and says which:
 * were it made for some only, it would be deleted, and so empty its buckets, when a deployment becomes one that keeps.
 */
export class EmptiedBuckets extends Construct {
  constructor(scope: Construct, id: string, { profile, buckets }: EmptiedBucketsProps) {
    super(scope, id);
    const empties = profile.removalPolicy === RemovalPolicy.DESTROY;
    const emptyBucket = new TidemarkFunction(this, 'EmptyBucket', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(840),
    });
    for (const bucket of buckets) {
      if (empties) this.#grantEmpty(emptyBucket, bucket);
      const emptied = new CustomResource(this, bucket.node.id, {
        serviceToken: emptyBucket.functionArn,
        resourceType: 'Custom::EmptiedBucket',
        serviceTimeout: Duration.minutes(15),
        properties: { Bucket: bucket.bucketName, Empty: String(empties) },
      });
      emptied.node.addDependency(emptyBucket);
    }
  }

  #grantEmpty(fn: TidemarkFunction, bucket: Bucket): void {
    fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucketVersions'], resources: [bucket.bucketArn] }));
    fn.addToRolePolicy(
      new PolicyStatement({ actions: ['s3:DeleteObjectVersion'], resources: [bucket.arnForObjects('*')] }),
    );
    fn.acknowledgeWildcard(
      `<${this.#logicalId(bucket)}.Arn>/*`,
      'It is asked when the bucket is to be deleted, with all that is in it.',
    );
  }

  #logicalId(bucket: Bucket): string {
    return bucket.stack.getLogicalId(bucket.node.defaultChild as never);
  }
}
