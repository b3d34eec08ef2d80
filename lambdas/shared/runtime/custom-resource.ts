import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse, Context } from 'aws-lambda';
import { logger } from './log.ts';

/** What a custom resource answers: attributes for `Fn::GetAtt`. */
export type Attributes = Record<string, string>;

/** CloudFormation takes answers of at most 4096 bytes. */
const MAX_REASON = 2000;

/**
 * Wraps a custom resource: runs `create` for Create and Update and `remove`, if there is one, for Delete, and tells
 * CloudFormation the outcome through the event's response URL. A failure fails the deployment with its message. Lambda may deliver one
 * event twice, even at the same time: `create` must then do the same thing once, by the request id if need be.
 */
export function customResource(
  create: (properties: Record<string, unknown>, requestId: string) => Promise<Attributes>,
  remove?: (properties: Record<string, unknown>) => Promise<void>,
): (event: CloudFormationCustomResourceEvent, context: Context) => Promise<void> {
  return async (event, context) => {
    const answer = {
      // The same over all updates, so that CloudFormation never replaces the resource.
      PhysicalResourceId: event.LogicalResourceId,
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
    };
    try {
      const isDelete = event.RequestType === 'Delete';
      if (isDelete) await remove?.(event.ResourceProperties);
      const Data = isDelete ? {} : await create(event.ResourceProperties, event.RequestId);
      await respond(event.ResponseURL, { ...answer, Status: 'SUCCESS', Data });
    } catch (error) {
      logger.error('custom resource failed', error as Error);
      const Reason = `${(error as Error).message.slice(0, MAX_REASON)} (log stream ${context.logStreamName})`;
      await respond(event.ResponseURL, { ...answer, Status: 'FAILED', Reason });
    }
  };
}

async function respond(url: string, response: CloudFormationCustomResourceResponse): Promise<void> {
  // A presigned S3 URL that was signed without a content type.
  const { ok, status } = await fetch(url, {
    method: 'PUT',
    headers: { 'content-type': '' },
    body: JSON.stringify(response),
  });
  if (!ok) throw new Error(`CloudFormation's response URL answered ${status}`);
}
