import type { Device } from '../../../protocol/devices.ts';
import type { Shard } from '../database.ts';
import { ServiceError } from '../errors.ts';
import { ms, type Sql } from '../sql.ts';

const columns = `device_id, name, ${ms('created_at')} as created_at, ${ms('last_seen_at')} as last_seen_at,
  revoked_at is not null as revoked`;

/** Demands that the device is the user's and not revoked, and notes, at most once a minute, that it was seen. */
export async function requireDevice(sql: Sql, { schema }: Shard, userId: string, deviceId: string): Promise<void> {
  const { rows } = await sql.query<{ revoked: boolean; seen_lately: boolean }>(
    `select revoked_at is not null as revoked, last_seen_at > now() - interval '1 minute' as seen_lately
     from ${schema}.devices where user_id = $1 and device_id = $2`,
    [userId, deviceId],
  );
  const device = rows[0];
  if (!device) throw new ServiceError('device_unknown', 'register this device first, with POST /devices');
  if (device.revoked) {
    throw new ServiceError('device_revoked', 'this device was revoked: sign in again to register it under a new id');
  }
  if (device.seen_lately) return;
  await sql.query(`update ${schema}.devices set last_seen_at = now() where user_id = $1 and device_id = $2`, [
    userId,
    deviceId,
  ]);
}

export async function listDevices(sql: Sql, { schema }: Shard, userId: string): Promise<Device[]> {
  const { rows } = await sql.query<Device>(
    `select ${columns} from ${schema}.devices where user_id = $1 order by created_at, device_id`,
    [userId],
  );
  return rows;
}

/** Inserts or renames a device; a revoked one stays revoked. */
export async function putDevice(
  sql: Sql,
  { schema }: Shard,
  userId: string,
  { device_id, name }: { device_id: string; name: string },
): Promise<Device> {
  const { rows } = await sql.query<Device>(
    `insert into ${schema}.devices as d (user_id, device_id, name) values ($1, $2, $3)
     on conflict (user_id, device_id) do update set name = excluded.name returning ${columns}`,
    [userId, device_id, name],
  );
  return rows[0]!;
}

export async function revokeDevice(
  sql: Sql,
  { schema }: Shard,
  userId: string,
  deviceId: string,
): Promise<Device | undefined> {
  const { rows } = await sql.query<Device>(
    `update ${schema}.devices set revoked_at = coalesce(revoked_at, now())
     where user_id = $1 and device_id = $2 returning ${columns}`,
    [userId, deviceId],
  );
  return rows[0];
}
