import type { Device, RegisterDeviceRequest } from '../../protocol/devices.ts';
import type { SignIn } from '../../protocol/internal/sign-in.ts';
import { limits } from '../../protocol/limits.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { within } from '../shared/database/database.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { ensureAccount, lockAccount } from '../shared/tables/accounts.ts';
import { listDevices, putDevice } from '../shared/tables/devices.ts';
import { bindSignIn, listSignIns, requireSignIn } from '../shared/tables/sign-ins.ts';
import { requireFresh } from './fresh.ts';

/**
 * Registers a device, or renames it; from then on it is the device of this sign-in too. The user's account begins with
 * the first one; revoked devices do not count.
 */
export async function registerDevice(
  person: Person<Database>,
  signIn: SignIn,
  request: RegisterDeviceRequest,
): Promise<Device> {
  return await within(person, async (person) => {
    const namespace = ownNamespace(person);
    await ensureAccount(namespace);
    await lockAccount(namespace);
    await requireSignIn(person, signIn.id);
    const devices = await listDevices(person);
    const known = devices.find(({ device_id }) => device_id === request.device_id);
    if (known?.revoked) throw new Refusal('device_revoked', 'this device was revoked: register under a new id');
    // Whoever becomes a device may revoke it without another word.
    if (known) await requireOwn(person, signIn, known.device_id);
    const active = devices.filter(({ revoked }) => !revoked);
    if (!known && active.length >= limits.devicesPerUser) throw tooMany(active);
    const device = await putDevice(person, request);
    await bindSignIn(person, { signIn: signIn.id, deviceId: request.device_id });
    return device;
  });
}

async function requireOwn(person: Person, signIn: SignIn, deviceId: string): Promise<void> {
  const bound = await listSignIns(person);
  if (bound.some((one) => one.deviceId === deviceId && one.signIn === signIn.id)) return;
  requireFresh(signIn, 'go on as a device that another sign-in registered');
}

function tooMany(active: readonly Device[]): Refusal {
  const idle = active.reduce((one, other) => (other.last_seen_at < one.last_seen_at ? other : one));
  const day = new Date(idle.last_seen_at).toISOString().slice(0, 10);
  return new Refusal(
    'too_many_devices',
    `you have ${active.length} devices, the most there can be: revoke one that you no longer use on another device, ` +
      `with 'tidemark devices --revoke'; '${idle.name}' was last seen on ${day}`,
  );
}
