import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { RelayRequest } from '../../../protocol/internal/relay.ts';
import { once, requireEnv } from '../runtime/env.ts';
import { logger } from '../runtime/log.ts';

/** A schedule drains every outbox, so a slow or failing invocation may not hold up the answer. */
const client = once(() => new LambdaClient({ maxAttempts: 1, requestHandler: { requestTimeout: 2_000 } }));

/** Has the relay publish this shard's events now. A failure costs only time, so it is a warning. */
export async function wakeRelay(shard: number): Promise<void> {
  const FunctionName = requireEnv('RELAY_FUNCTION');
  try {
    const Payload = JSON.stringify({ shard } satisfies RelayRequest);
    await client().send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
  } catch (error) {
    logger.warn('could not wake the relay: its schedule publishes the events', { shard, error: error as Error });
  }
}
