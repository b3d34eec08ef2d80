import type { Device } from '../../../protocol/devices.ts';
import { limits } from '../../../protocol/limits.ts';
import { Refusal } from '../answers/errors.ts';
import type { Person } from '../database/rows.ts';
import { ms } from '../database/sql.ts';
import { callerSignIn } from '../runtime/request.ts';

interface Row extends Omit<Device, 'revoked_at' | 'revoked_by'> {
  revoked_at: number | null;
  revoked_by: string | null;
}

const columns = `device_id, name, ${ms('created_at')} as created_at, ${ms('last_seen_at')} as last_seen_at,
  revoked_at is not null as revoked, ${ms('revoked_at')} as revoked_at, revoked_by`;

/**
 * Demands that the device is the user's, not revoked, and registered by the sign-in of the call. Notes, at most once a
 * minute, that it was seen; in a transaction that also locks the account, after that.
 */
export async function requireDevice({ sql, schema, userId }: Person, deviceId: string): Promise<void> {
  const { rows } = await sql.query<{
    revoked_at: number | null;
    by: string | null;
    own: boolean;
    seen_lately: boolean;
  }>(
    `select ${ms('d.revoked_at')} as revoked_at, d.last_seen_at > now() - interval '1 minute' as seen_lately,
       (select name from ${schema}.devices b where b.user_id = $1 and b.device_id = d.revoked_by) as by,
       exists (select from ${schema}.sign_ins s where s.user_id = $1 and s.device_id = $2 and s.sign_in = $3) as own
     from ${schema}.devices d where d.user_id = $1 and d.device_id = $2`,
    [userId, deviceId, callerSignIn().id],
  );
  const device = rows[0];
  if (device && device.revoked_at !== null) throw revoked(device.revoked_at, device.by);
  if (!device?.own) {
    throw new Refusal('device_unknown', 'this sign-in has not registered this device: sign in again');
  }
  if (device.seen_lately) return;
  await sql.query(`update ${schema}.devices set last_seen_at = now() where user_id = $1 and device_id = $2`, [
    userId,
    deviceId,
  ]);
}

function revoked(at: number, by: string | null): Refusal {
  const when = new Date(at).toISOString().slice(0, 16).replace('T', ' ');
  const from = by === null ? '' : ` from '${by}'`;
  return new Refusal(
    'device_revoked',
    `this device was revoked at ${when} UTC${from}: sign in again to register it as a new one`,
  );
}

/** All devices of the user that work, and those revoked that are kept; oldest first. */
export async function listDevices({ sql, schema, userId }: Person): Promise<Device[]> {
  const { rows } = await sql.query<Row>(
    `select ${columns} from ${schema}.devices where user_id = $1 order by devices.created_at, device_id`,
    [userId],
  );
  return rows.map(toDevice);
}

/** Inserts or renames a device; a revoked one stays revoked. */
export async function putDevice(
  { sql, schema, userId }: Person,
  { device_id, name }: { device_id: string; name: string },
): Promise<Device> {
  const { rows } = await sql.query<Row>(
    `insert into ${schema}.devices as devices (user_id, device_id, name) values ($1, $2, $3)
     on conflict (user_id, device_id) do update set name = excluded.name returning ${columns}`,
    [userId, device_id, name],
  );
  return toDevice(rows[0]!);
}

/** Revokes devices that are not; needs the account's lock. */
export async function revokeDevices(
  { sql, schema, userId }: Person,
  deviceIds: readonly string[],
  by: string | undefined,
): Promise<void> {
  await sql.query(
    `update ${schema}.devices set revoked_at = now(), revoked_by = $3
     where user_id = $1 and device_id = any($2) and revoked_at is null`,
    [userId, deviceIds, by],
  );
}

/** Forgets the devices whose revocation lies behind that of many others; needs the account's lock. */
export async function forgetRevoked({ sql, schema, userId }: Person): Promise<void> {
  await sql.query(
    `delete from ${schema}.devices where (user_id, device_id) in (
       select user_id, device_id from ${schema}.devices where user_id = $1 and revoked_at is not null
       order by revoked_at desc, device_id offset $2)`,
    [userId, limits.revokedDevices],
  );
}

function toDevice({ revoked_at, revoked_by, ...device }: Row): Device {
  return {
    ...device,
    ...(revoked_at !== null && { revoked_at }),
    ...(revoked_by !== null && { revoked_by }),
  };
}
