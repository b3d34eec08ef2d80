import * as z from 'zod';
import { Uuid } from './uuid.ts';

/** Shown in conflict copies and in the history. */
export const DeviceName = z
  .string()
  .regex(/^[^\p{Cc}/\\]{1,64}$/u, 'must be 1 to 64 characters, no slash or control character')
  .refine((name) => name.isWellFormed(), 'is not valid Unicode');

/** POST /devices: registers a device under an id that it chose; repeating it changes at most the name. */
export const RegisterDeviceRequest = z.strictObject({ device_id: Uuid, name: DeviceName });
export type RegisterDeviceRequest = z.infer<typeof RegisterDeviceRequest>;

export const Device = z.strictObject({
  device_id: Uuid,
  name: z.string(),
  created_at: z.int(),
  last_seen_at: z.int(),
  revoked: z.boolean(),
  revoked_at: z.int().optional(),
  /** The device from which it was revoked; absent when whoever did it had signed in without registering one. */
  revoked_by: Uuid.optional(),
});
export type Device = z.infer<typeof Device>;

/** The answer of GET /devices: all that work, and the latest that were revoked. POST answers the one `Device`; DELETE /devices/{device_id} revokes it and answers it. */
export const DevicesResponse = z.strictObject({ devices: z.array(Device) });
export type DevicesResponse = z.infer<typeof DevicesResponse>;
