import type { Services, ServicesOptions, Stream, StreamRecord } from '../../../local/types.ts';

type Consumer = Parameters<Stream['consume']>[1];

/** Stands in for the AWS services, which have tests of their own: a stream that a test pushes records through. */
export class FakeServices {
  options: ServicesOptions | undefined;
  readonly consumers: { options: Parameters<Stream['consume']>[0]; handler: Consumer }[] = [];
  readonly endpoints: Record<string, string> = { S3: 'https://127.0.0.1:1' };
  stopped = false;

  readonly start = async (options: ServicesOptions): Promise<Services> => {
    this.options = options;
    return {
      providers: {
        'AWS::MSK::Cluster': ({ logicalId }) => ({
          ref: logicalId,
          attributes: { Arn: `arn:aws:kafka:us-east-1:000000000000:cluster/${logicalId}/uuid` },
        }),
      },
      endpoints: this.endpoints,
      stream: {
        append: async () => 0,
        consume: async (consumed, handler) => {
          this.consumers.push({ options: consumed, handler });
          return { stop: async () => undefined };
        },
      },
      createUser: async () => undefined,
      database: { host: '/nowhere', port: 5432, user: 'nobody' },
      databases: () => [],
      pins: () => new Map(),
      edgeReport: () => ({ hits: 0, misses: 0, bytes: 0 }),
      stop: async () => {
        this.stopped = true;
      },
    };
  };
}

export function record(partition: number, offset: number, value: string): StreamRecord {
  const [key, body] = [Buffer.from('user'), Buffer.from(value)];
  return { topic: 'file-changed', partition, offset, timestamp: 1_700_000_000_000, key, value: body };
}
