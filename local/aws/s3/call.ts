import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../types.ts';
import type { Bucket } from './buckets.ts';

/** A request to S3 whose signature holds. */
export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly principal: Principal;
  readonly bucket: Bucket;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly contentSha256: string;
  /** Refuses where the role or the bucket's policy does not let this action through. */
  demand(action: string, resource: string, context?: Readonly<Record<string, string>>): void;
}
