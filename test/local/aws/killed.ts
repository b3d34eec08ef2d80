import { request } from 'node:https';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { startFixture } from './fixture.ts';

// Runs as a process of its own, over the data folder that is its argument: stores an object and a record, sends half of
// another object, and is killed as if by `kill -9`.

const [data = ''] = process.argv.slice(2);
const cloud = await startFixture({ data });
const { ref: Bucket } = await cloud.provide('AWS::S3::Bucket', 'Blocks', {
  VersioningConfiguration: { Status: 'Enabled' },
});
const cluster = await cloud.provide('AWS::MSK::Cluster', 'Cluster', {});
await cloud.provide('AWS::MSK::Topic', 'Topic', { ClusterArn: cluster.ref, TopicName: 'kept', PartitionCount: 1 });
await cloud.services.stream.append('kept', 0, [{ key: null, value: Buffer.from('kept'), timestamp: Date.now() }]);

const s3 = new S3Client(cloud.client(cloud.principal('all', ['s3:*'])));
await s3.send(new PutObjectCommand({ Bucket, Key: 'kept', Body: 'kept' }));
const length = 4 * 1024 * 1024;
const url = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'torn', ContentLength: length }));
const upload = request(url, { method: 'PUT', headers: { 'content-length': length } });
upload.on('error', () => undefined);
upload.write(Buffer.alloc(length / 2), () => setTimeout(() => process.kill(process.pid, 'SIGKILL'), 200));
