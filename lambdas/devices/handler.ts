import { z } from 'zod';
import { type Device, type DevicesResponse, RegisterDeviceRequest } from '../../protocol/devices.ts';
import { Uuid } from '../../protocol/uuid.ts';
import { databases } from '../shared/database.ts';
import { ServiceError } from '../shared/errors.ts';
import { jsonBody, parsed, route } from '../shared/http.ts';
import { listDevices, revokeDevice } from '../shared/tables/devices.ts';
import { registerDevice } from './register.ts';

const DeviceParameters = z.object({ device_id: Uuid });

export const handler = route(async (event, userId): Promise<Device | DevicesResponse> => {
  const shard = databases().shardOf(userId);
  switch (event.requestContext.http.method) {
    case 'POST':
      return await registerDevice(shard, userId, jsonBody(event, RegisterDeviceRequest));
    case 'DELETE': {
      const { device_id: deviceId } = parsed(DeviceParameters, event.pathParameters);
      const device = await revokeDevice(shard.pool, shard, userId, deviceId);
      if (!device) throw new ServiceError('not_found', 'you have no device with this id');
      return device;
    }
    default:
      return { devices: await listDevices(shard.pool, shard, userId) };
  }
});
