import type { Device, RegisterDeviceRequest } from '../../protocol/devices.ts';
import { limits } from '../../protocol/limits.ts';
import { type Shard, transaction } from '../shared/database.ts';
import { ServiceError } from '../shared/errors.ts';
import { ensureAccount, lockAccount } from '../shared/tables/accounts.ts';
import { listDevices, putDevice } from '../shared/tables/devices.ts';

/** Registers a device, or renames it. The user's account begins with the first one; revoked devices do not count. */
export async function registerDevice(shard: Shard, userId: string, request: RegisterDeviceRequest): Promise<Device> {
  return await transaction(shard.pool, async (sql) => {
    await ensureAccount(sql, shard, userId);
    await lockAccount(sql, shard, userId);
    const devices = await listDevices(sql, shard, userId);
    const known = devices.find(({ device_id }) => device_id === request.device_id);
    if (known?.revoked) throw new ServiceError('device_revoked', 'this device was revoked: register under a new id');
    const active = devices.filter(({ revoked }) => !revoked).length;
    if (!known && active >= limits.devicesPerUser) {
      throw new ServiceError('too_many_devices', `you have ${active} devices, the most there can be: revoke one first`);
    }
    return await putDevice(sql, shard, userId, request);
  });
}
