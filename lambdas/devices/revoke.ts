import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Device } from '../../protocol/devices.ts';
import type { Shard } from '../shared/database.ts';
import { once, requireEnv } from '../shared/env.ts';
import { ServiceError } from '../shared/errors.ts';
import type { HangUpRequest } from '../shared/hang-up-contract.ts';
import { revokeDevice } from '../shared/tables/devices.ts';

const client = once(() => new LambdaClient({}));

/** Shuts a device out: its next call is refused, and its open connections are closed. Doing it again does no harm. */
export async function revoke(shard: Shard, userId: string, deviceId: string): Promise<Device> {
  const device = await revokeDevice(shard.pool, shard, userId, deviceId);
  if (!device) throw new ServiceError('not_found', 'you have no device with this id');
  await hangUp({ userId, deviceIds: [deviceId] });
  return device;
}

/** Has the connections closed by a function outside the VPC, asynchronously: Lambda repeats it when it fails. */
async function hangUp(request: HangUpRequest): Promise<void> {
  const Payload = JSON.stringify(request);
  await client().send(
    new InvokeCommand({ FunctionName: requireEnv('HANG_UP_FUNCTION'), InvocationType: 'Event', Payload }),
  );
}
