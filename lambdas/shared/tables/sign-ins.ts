import { limits } from '../../../protocol/limits.ts';
import { Refusal } from '../answers/errors.ts';
import type { Person } from '../database/rows.ts';

/** Longer than any token of an ended sign-in is valid. */
const REMEMBERED = `interval '${limits.signInDays + 1} days'`;

/** Demands that the sign-in did not end with a device; a new one, of which nothing is known yet, is good. */
export async function requireSignIn({ sql, schema, userId }: Person, signIn: string): Promise<void> {
  const { rowCount } = await sql.query(`select from ${schema}.ended_sign_ins where user_id = $1 and sign_in = $2`, [
    userId,
    signIn,
  ]);
  if (rowCount === 0) return;
  throw new Refusal('device_revoked', 'the device of this sign-in was revoked: sign in again');
}

/** Notes that the sign-in is one of the device's, whose oldest ones give way; needs the account's lock. */
export async function bindSignIn(
  { sql, schema, userId }: Person,
  { signIn, deviceId }: { signIn: string; deviceId: string },
): Promise<void> {
  await sql.query(
    `insert into ${schema}.sign_ins (user_id, sign_in, device_id) values ($1, $2, $3)
     on conflict (user_id, sign_in, device_id) do nothing`,
    [userId, signIn, deviceId],
  );
  await sql.query(
    `delete from ${schema}.sign_ins where user_id = $1 and device_id = $2 and sign_in in (
       select sign_in from ${schema}.sign_ins where user_id = $1 and device_id = $2 and sign_in <> $3
       order by created_at desc, sign_in offset $4)`,
    [userId, deviceId, signIn, limits.signInsPerDevice - 1],
  );
}

/** Which devices are registered by which sign-ins; those of one user are few. */
export async function listSignIns({ sql, schema, userId }: Person): Promise<{ signIn: string; deviceId: string }[]> {
  const { rows } = await sql.query<{ signIn: string; deviceId: string }>(
    `select sign_in as "signIn", device_id as "deviceId" from ${schema}.sign_ins
     where user_id = $1 order by created_at desc, sign_in, device_id`,
    [userId],
  );
  return rows;
}

/** Ends sign-ins for good, and lets go of all that the device was registered by; needs the account's lock. */
export async function endSignIns(
  { sql, schema, userId }: Person,
  { ending, deviceId }: { ending: readonly string[]; deviceId: string },
): Promise<void> {
  await sql.query(`delete from ${schema}.ended_sign_ins where user_id = $1 and ended_at < now() - ${REMEMBERED}`, [
    userId,
  ]);
  await sql.query(
    `insert into ${schema}.ended_sign_ins (user_id, sign_in) select $1, unnest($2::text[]) on conflict do nothing`,
    [userId, ending],
  );
  await sql.query(`delete from ${schema}.sign_ins where user_id = $1 and (sign_in = any($2) or device_id = $3)`, [
    userId,
    ending,
    deviceId,
  ]);
}
