import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { CommitResponse, CommitResult } from '../../../protocol/commit.ts';
import type { RelayRequest } from '../../../protocol/internal/relay.ts';
import { Refusal } from '../answers/errors.ts';
import type { Namespace } from '../database/rows.ts';
import { once, requireEnv } from '../runtime/env.ts';
import { logger } from '../runtime/log.ts';
import { isRelayOnItsWay } from '../tables/outbox.ts';

/** A schedule drains every outbox, so a slow or failing invocation may not hold up the answer. */
const client = once(() => new LambdaClient({ maxAttempts: 1, requestHandler: { requestTimeout: 2_000 } }));

/**
 * Ends a call that commits: wakes the relay, which publishes what was committed to the other devices, and answers. When
 * every item failed with the same code, that is the call's error, with the results in its details.
 */
export async function publishAndAnswer(
  namespace: Namespace,
  results: CommitResult[],
  details: Record<string, unknown> = {},
): Promise<CommitResponse> {
  const cursors = results.flatMap((result) => ('version_id' in result ? [result.cursor] : []));
  if (cursors.length > 0) await wakeRelay(namespace, cursors);
  const errors = results.flatMap((result) => ('error' in result ? [result.error] : []));
  const [first] = errors;
  if (first && errors.length === results.length && errors.every(({ code }) => code === first.code)) {
    throw new Refusal(first.code, first.message, { ...details, results });
  }
  return { results };
}

/** Has a relay publish these events, unless one is on its way. A failure costs only time, so it is a warning. */
async function wakeRelay(namespace: Namespace, cursors: readonly number[]): Promise<void> {
  const FunctionName = requireEnv('RELAY_FUNCTION');
  const { number: shard } = namespace;
  try {
    if (await isRelayOnItsWay(namespace, cursors)) return;
    const Payload = JSON.stringify({ shard } satisfies RelayRequest);
    await client().send(new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload }));
  } catch (error) {
    logger.warn('could not wake the relay: its schedule publishes the events', { shard, error: error as Error });
  }
}
