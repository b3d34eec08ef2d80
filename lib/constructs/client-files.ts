import { createHash } from 'node:crypto';
import { CustomResource, Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import type { Profile } from '../profiles/profile.ts';
import type { ServedClient } from '../profiles/served-client.ts';
import { TidemarkFunction } from './function.ts';

/** Below it lie clients, for everybody. */
const PREFIX = 'client/';

/** The paths of the CDN that are clients. */
export const clientPaths = `${PREFIX}*`;

interface ClientFilesProps {
  readonly profile: Profile;
  readonly bucket: IBucket;
  /** @default - there is none to bring */
  readonly client?: ServedClient;
}

/**
 * Brings a client into the bucket of the CDN: under a name of its own for each release, so that no cache has another. The
 * function is there without one, too, as the others are.
 */
export class ClientFiles extends Construct {
  /** The path at the CDN below which the files lie by their names; `undefined` where there are none. */
  readonly path: string | undefined;

  constructor(scope: Construct, id: string, { profile, bucket, client }: ClientFilesProps) {
    super(scope, id);
    const copy = new TidemarkFunction(this, 'ClientFiles', {
      profile,
      memorySize: 256,
      timeout: Duration.seconds(300),
    });
    if (!client) return;
    const release = createHash('sha256').update(client.release.text).digest('hex').slice(0, 32);
    const path = `${PREFIX}${release}`;
    this.path = path;
    const grant = (action: string, arn: string): void =>
      void copy.addToRolePolicy(new PolicyStatement({ actions: [action], resources: [arn] }));
    const assets = Object.entries(client.files).map(([name, file]) => {
      const asset = new Asset(this, name, { path: file });
      const from = Bucket.fromBucketName(this, `From${name}`, asset.s3BucketName);
      grant('s3:GetObject', from.arnForObjects(asset.s3ObjectKey));
      grant('s3:PutObject', bucket.arnForObjects(`${path}/${name}`));
      return { name, asset };
    });
    const copied = new CustomResource(this, 'Copied', {
      serviceToken: copy.functionArn,
      resourceType: 'Custom::ClientFiles',
      serviceTimeout: Duration.minutes(6),
      properties: {
        From: assets[0]!.asset.s3BucketName,
        Bucket: bucket.bucketName,
        Prefix: `${path}/`,
        Files: Object.fromEntries(assets.map(({ name, asset }) => [name, asset.s3ObjectKey])),
      },
    });
    copied.node.addDependency(copy);
  }
}
