import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  AllowedMethods,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HttpVersion,
  KeyGroup,
  ResponseHeadersPolicy,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { Profile } from './profile.ts';
import { SigningKey } from './signing-key.ts';

interface BlocksStackProps extends StackProps {
  readonly profile: Profile;
}

/**
 * The block store, and the CDN that is its only reader from outside. The key of a block is its SHA-256, so
 * what a URL names never changes and every cache may keep it for ever.
 */
export class BlocksStack extends Stack {
  readonly bucket: IBucket;
  readonly distribution: Distribution;
  /** Signs today's URLs. */
  readonly signingKey: SigningKey;

  constructor(scope: Construct, id: string, { profile, ...props }: BlocksStackProps) {
    super(scope, id, props);

    // The cast: Bucket spells an optional member of IBucket in a way that exactOptionalPropertyTypes tells apart.
    this.bucket = new Bucket(this, 'Blocks', {
      versioned: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          // gc deletes the version it means, so only a block that was uploaded twice leaves one behind.
          noncurrentVersionExpiration: Duration.days(7),
          expiredObjectDeleteMarker: true,
        },
      ],
      removalPolicy: profile.removalPolicy,
    }) as IBucket;

    // Both are trusted, the first signs. To rotate, move the second to the front and deploy; then replace
    // the other by a new name and deploy again.
    const [current, next] = ['A', 'B'].map((name) => new SigningKey(this, `Key${name}`, { profile }));
    if (!current || !next) throw new Error('The CDN needs two signing keys: one that signs and one to rotate to.');
    this.signingKey = current;
    this.distribution = this.#createDistribution([current, next], profile);

    new CfnOutput(this, 'BlockBucket', { value: this.bucket.bucketName });
    new CfnOutput(this, 'CdnDomain', { value: this.distribution.distributionDomainName });
  }

  /** Grants actions on blocks, and nothing on the bucket itself: who lacks the hash cannot list it. */
  grantBlocks(grantee: IGrantable, ...actions: ('s3:GetObject' | 's3:PutObject' | 's3:DeleteObjectVersion')[]): void {
    Grant.addToPrincipal({ grantee, actions, resourceArns: [this.bucket.arnForObjects('blocks/*')] });
  }

  /** Lets a function tell a missing block from a refusal: without s3:ListBucket, S3 answers 403 to both. */
  grantLookUp(grantee: IGrantable): void {
    this.grantBlocks(grantee, 's3:GetObject');
    Grant.addToPrincipal({ grantee, actions: ['s3:ListBucket'], resourceArns: [this.bucket.bucketArn] });
  }

  /** Grants the list of versions below blocks/, by which gc learns which one it is about to delete. */
  grantListVersions(grantee: IGrantable): void {
    Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucketVersions'],
      resourceArns: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': 'blocks/*' } },
    });
  }

  #createDistribution(keys: SigningKey[], profile: Profile): Distribution {
    const year = Duration.days(365);
    const keyGroup = new KeyGroup(this, 'Signers', { items: keys.map((key) => key.publicKey) });
    const cachePolicy = new CachePolicy(this, 'Immutable', {
      comment: 'Content-addressed blocks',
      minTtl: year,
      defaultTtl: year,
      maxTtl: year,
      headerBehavior: CacheHeaderBehavior.none(),
      cookieBehavior: CacheCookieBehavior.none(),
      queryStringBehavior: CacheQueryStringBehavior.none(),
    });
    const responseHeadersPolicy = new ResponseHeadersPolicy(this, 'CacheControl', {
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cache-Control', value: `public, max-age=${year.toSeconds()}, immutable`, override: true },
        ],
      },
    });
    return new Distribution(this, 'Cdn', {
      comment: 'Tidemark blocks',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: profile.priceClass,
      defaultBehavior: {
        origin: S3BucketOrigin.withOriginAccessControl(this.bucket),
        allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
        viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
        trustedKeyGroups: [keyGroup],
        cachePolicy,
        responseHeadersPolicy,
        compress: false,
      },
    });
  }
}
