import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  type BehaviorOptions,
  CacheCookieBehavior,
  CacheHeaderBehavior,
  CachePolicy,
  CacheQueryStringBehavior,
  Distribution,
  HttpVersion,
  type IDistribution,
  KeyGroup,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { ClientFiles, clientPaths } from '../constructs/client-files.ts';
import { EmptiedBuckets } from '../constructs/emptied-buckets.ts';
import type { TidemarkFunction } from '../constructs/function.ts';
import { cdnName, nameCdn } from '../constructs/own-domain.ts';
import { SigningKey, type SigningKeyNames } from '../constructs/signing-key.ts';
import type { OwnDomain } from '../profiles/deployment.ts';
import type { Profile } from '../profiles/profile.ts';
import type { ServedClient } from '../profiles/served-client.ts';

interface BlocksStackProps extends StackProps {
  readonly profile: Profile;
  readonly signingKeys: SigningKeyNames;
  /** ARN of a firewall's access control list before the CDN. @default - none */
  readonly webAcl?: string;
  /** @default - the name that AWS gives the CDN */
  readonly domain?: OwnDomain;
  /** @default - the CDN gives no client */
  readonly client?: ServedClient;
}

/**
 * The block store, and the CDN that is its only reader from outside. The key of a block is its SHA-256, so
 * what a URL names never changes and every cache may keep it for ever. Where content was damaged nevertheless, or the
 * users of a cache are not to learn of each other, the URL names the entry of the cache as well.
 */
export class BlocksStack extends Stack {
  readonly bucket: IBucket;
  readonly distribution: Distribution;
  /** By which devices fetch blocks. */
  readonly cdnDomain: string;
  /** Signs today's URLs. */
  readonly signingKey: SigningKey;
  /** The client that the CDN gives to everybody, with the address of its files, if it gives one. */
  readonly client: (ServedClient['release'] & { readonly url: string }) | undefined;

  constructor(
    scope: Construct,
    id: string,
    { profile, signingKeys, webAcl, domain, client, ...props }: BlocksStackProps,
  ) {
    super(scope, id, props);

    const logs = this.#createLogBucket(profile);
    // The cast: Bucket spells an optional member of IBucket in a way that exactOptionalPropertyTypes tells apart.
    const blocks = new Bucket(this, 'Blocks', {
      versioned: true,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules: [
        {
          abortIncompleteMultipartUploadAfter: Duration.days(1),
          // A block that is sent again, as often as a signed URL allows, leaves equal versions behind. gc deletes the
          // version that it means, so nothing else does.
          noncurrentVersionExpiration: Duration.days(1),
          expiredObjectDeleteMarker: true,
        },
      ],
      serverAccessLogsBucket: logs as IBucket,
      serverAccessLogsPrefix: 's3/',
      removalPolicy: profile.removalPolicy,
    });
    this.bucket = blocks as IBucket;
    const emptied = new EmptiedBuckets(this, 'Emptied', { profile, buckets: [blocks, logs] });

    // Both are trusted, the first signs. docs/operations.md rotates them by the context key signingKeys.
    const createKey = (name: string) => new SigningKey(this, `Key${name}`, { profile });
    const [current, other] = [createKey(signingKeys[0]), createKey(signingKeys[1])];
    this.signingKey = current;
    this.distribution = this.#createDistribution([current, other], logs as IBucket, {
      profile,
      ...(webAcl && { webAcl }),
      ...(domain && { domain }),
      ...(client && { client }),
    });
    this.cdnDomain = domain
      ? nameCdn(this, domain, this.distribution as IDistribution)
      : this.distribution.distributionDomainName;
    const files = new ClientFiles(this, 'Client', { profile, bucket: this.bucket, ...(client && { client }) });
    this.client = client && { ...client.release, url: `https://${this.cdnDomain}/${files.path}` };
    // Deleted first, so that it writes no more logs into a bucket that has been emptied.
    this.distribution.node.addDependency(emptied);
    // CloudFormation refuses to take back an export that the API's stack still imports, and this stack is updated
    // first: what names the key of yesterday has to stay exported while the new one takes over.
    for (const { secret, publicKey } of [current, other]) {
      this.exportValue(secret.secretArn);
      this.exportValue(publicKey.publicKeyId);
    }

    new CfnOutput(this, 'BlockBucket', { value: this.bucket.bucketName });
    new CfnOutput(this, 'CdnDomain', { value: this.distribution.distributionDomainName });
  }

  /** Grants actions on blocks, and nothing on the bucket itself: who lacks the hash cannot list it. */
  grantBlocks(fn: TidemarkFunction, ...actions: ('s3:GetObject' | 's3:PutObject' | 's3:DeleteObjectVersion')[]): void {
    fn.addToRolePolicy(new PolicyStatement({ actions, resources: [this.bucket.arnForObjects('blocks/*')] }));
    const arn = this.resolve(this.exportValue(this.bucket.bucketArn))['Fn::ImportValue'];
    fn.acknowledgeWildcard(
      `${arn}/blocks/*`,
      'Blocks are named by their content: which ones it reads or writes, a request says.',
    );
  }

  /** Lets a function tell a missing block from a refusal: without s3:ListBucket, S3 answers 403 to both. */
  grantLookUp(fn: TidemarkFunction): void {
    this.grantBlocks(fn, 's3:GetObject');
    fn.addToRolePolicy(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [this.bucket.bucketArn] }));
  }

  /** Grants the list of versions below blocks/, by which gc learns which one it is about to delete. */
  grantListVersions(fn: TidemarkFunction): void {
    fn.addToRolePolicy(
      new PolicyStatement({
        actions: ['s3:ListBucketVersions'],
        resources: [this.bucket.bucketArn],
        conditions: { StringLike: { 's3:prefix': 'blocks/*' } },
      }),
    );
  }

  /** Who read what, of the bucket and of the CDN, as long as the logs of functions are kept. */
  #createLogBucket({ logRetention, removalPolicy }: Profile): Bucket {
    return new Bucket(this, 'AccessLogs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      // CloudFront writes its logs with an ACL.
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      lifecycleRules: [{ expiration: Duration.days(logRetention) }],
      removalPolicy,
    });
  }

  #createDistribution(
    keys: SigningKey[],
    logs: IBucket,
    { profile, webAcl, domain, client }: Pick<BlocksStackProps, 'profile' | 'webAcl' | 'domain' | 'client'>,
  ): Distribution {
    const year = Duration.days(365);
    // CloudFront knows these names in all regions of the account.
    const named = (what: string) => `${this.stackName}-${what}-${this.region}`;
    const keyGroup = new KeyGroup(this, 'Signers', {
      keyGroupName: named('Signers'),
      items: keys.map((key) => key.publicKey),
    });
    const cachePolicy = new CachePolicy(this, 'Immutable', {
      comment: 'Content-addressed blocks',
      minTtl: year,
      defaultTtl: year,
      maxTtl: year,
      headerBehavior: CacheHeaderBehavior.none(),
      cookieBehavior: CacheCookieBehavior.none(),
      // S3 ignores parameters that begin with x-, and answers the block, whichever entry it is for.
      queryStringBehavior: CacheQueryStringBehavior.allowList('x-entry'),
    });
    const responseHeadersPolicy = new ResponseHeadersPolicy(this, 'CacheControl', {
      responseHeadersPolicyName: named('CacheControl'),
      // They tell who stored a block, and when. X-Cache cannot be removed; Age is CloudFront's own, and may stay as well.
      removeHeaders: ['Age', 'ETag', 'Last-Modified', 'x-amz-meta-upload', 'x-amz-version-id'],
      customHeadersBehavior: {
        customHeaders: [
          { header: 'Cache-Control', value: `public, max-age=${year.toSeconds()}, immutable`, override: true },
        ],
      },
    });
    const behavior: BehaviorOptions = {
      origin: S3BucketOrigin.withOriginAccessControl(this.bucket, {
        originAccessControl: new S3OriginAccessControl(this, 'Reader', { originAccessControlName: named('Reader') }),
        // The region of the bucket. A few regions have no shield: CloudFront's manual names their neighbours.
        ...(profile.originShield && { originShieldRegion: this.region }),
      }),
      allowedMethods: AllowedMethods.ALLOW_GET_HEAD,
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      cachePolicy,
      responseHeadersPolicy,
      compress: false,
    };
    const distribution = new Distribution(this, 'Cdn', {
      comment: 'Tidemark blocks',
      httpVersion: HttpVersion.HTTP2_AND_3,
      priceClass: profile.priceClass,
      ...(webAcl && { webAclId: webAcl }),
      ...(domain && {
        domainNames: [cdnName(domain)],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.cdnCertificate),
      }),
      defaultBehavior: { ...behavior, trustedKeyGroups: [keyGroup] },
      ...(client && { additionalBehaviors: { [clientPaths]: behavior } }),
      enableLogging: true,
      logBucket: logs,
      logFilePrefix: 'cdn/',
    });
    acknowledge(distribution, {
      'AwsSolutions-CFR1': 'A team may travel: who holds a signed URL is a user, wherever he is.',
      'AwsSolutions-CFR2':
        'It answers GETs of immutable objects only, all but those of a client signed. A firewall costs $5 a month; the context key webAcl puts one before it.',
      'AwsSolutions-CFR4':
        'The floor of *.cloudfront.net is fixed; a higher one needs a domain and a certificate. Clients are Node 24 and speak TLS 1.2 or later.',
    });
    return distribution;
  }
}
