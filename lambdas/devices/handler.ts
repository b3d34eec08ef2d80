import * as z from 'zod';
import { type Device, type DevicesResponse, RegisterDeviceRequest } from '../../protocol/devices.ts';
import { Uuid } from '../../protocol/uuid.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { jsonBody, parsed, route } from '../shared/http/route.ts';
import { callerSignIn } from '../shared/runtime/request.ts';
import { listDevices } from '../shared/tables/devices.ts';
import { requireSignIn } from '../shared/tables/sign-ins.ts';
import { registerDevice } from './register.ts';
import { revoke } from './revoke.ts';

const DeviceParameters = z.object({ device_id: Uuid });

export const handler = route(async (event, userId): Promise<Device | DevicesResponse> => {
  const person = personOf(databases(), userId);
  const signIn = callerSignIn();
  switch (event.requestContext.http.method) {
    case 'POST':
      return await registerDevice(person, signIn, jsonBody(event, RegisterDeviceRequest));
    case 'DELETE':
      return await revoke(person, signIn, parsed(DeviceParameters, event.pathParameters).device_id);
    default:
      await requireSignIn(person, signIn.id);
      return { devices: await listDevices(person) };
  }
});
