import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import type { Device } from '../../protocol/devices.ts';
import type { HangUpRequest } from '../../protocol/internal/hang-up.ts';
import type { SignIn } from '../../protocol/internal/sign-in.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { within } from '../shared/database/database.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { once, requireEnv } from '../shared/runtime/env.ts';
import { lockAccount } from '../shared/tables/accounts.ts';
import { forgetRevoked, listDevices, revokeDevices } from '../shared/tables/devices.ts';
import { endSignIns, listSignIns, requireSignIn } from '../shared/tables/sign-ins.ts';
import { requireFresh } from './fresh.ts';

const client = once(() => new LambdaClient({}));

/**
 * Shuts a device out with every token it has: its sign-ins end, its open connections are closed. A device that only
 * these sign-ins had registered goes with it. Doing it again does no harm. Another device than the caller's own takes a
 * sign-in of the last minutes, since a stolen token must not lock its owner out.
 */
export async function revoke(person: Person<Database>, signIn: SignIn, deviceId: string): Promise<Device> {
  const { device, deviceIds } = await within(person, async (person) => {
    await lockAccount(ownNamespace(person));
    await requireSignIn(person, signIn.id);
    const devices = await listDevices(person);
    const known = devices.find(({ device_id }) => device_id === deviceId);
    if (!known) throw new Refusal('not_found', 'you have no device with this id');
    // A repeated call closes what the first one may not have come to.
    const leaving = known.revoked
      ? devices.filter(({ revoked }) => revoked).map(({ device_id }) => device_id)
      : await endDevice(person, signIn, deviceId);
    const after = await listDevices(person);
    return { device: after.find(({ device_id }) => device_id === deviceId)!, deviceIds: leaving };
  });
  await hangUp({ userId: person.userId, deviceIds });
  return device;
}

/** Revokes a device that works, and answers all that are revoked with it. */
async function endDevice(person: Person, caller: SignIn, deviceId: string): Promise<string[]> {
  const bound = await listSignIns(person);
  const callers = bound.filter(({ signIn }) => signIn === caller.id).map((binding) => binding.deviceId);
  const own = callers.includes(deviceId);
  if (!own) requireFresh(caller, 'revoke another device');
  // Whoever registered several devices by one sign-in may revoke one of them and go on with the others.
  const goesOn = (signIn: string) => signIn === caller.id && own && callers.length > 1;
  const ending = bound.filter((one) => one.deviceId === deviceId && !goesOn(one.signIn)).map(({ signIn }) => signIn);
  const staying = new Set(
    bound.filter((one) => one.deviceId !== deviceId && !ending.includes(one.signIn)).map((one) => one.deviceId),
  );
  const touched = bound.filter(({ signIn }) => ending.includes(signIn)).map((one) => one.deviceId);
  const leaving = [...new Set([deviceId, ...touched])].filter((id) => !staying.has(id));
  await endSignIns(person, { ending, deviceId });
  await revokeDevices(person, leaving, own ? deviceId : callers[0]);
  await forgetRevoked(person);
  return leaving;
}

/** Has the connections closed by a function outside the VPC, asynchronously: Lambda repeats it when it fails. */
async function hangUp(request: HangUpRequest): Promise<void> {
  const Payload = JSON.stringify(request);
  await client().send(
    new InvokeCommand({ FunctionName: requireEnv('HANG_UP_FUNCTION'), InvocationType: 'Event', Payload }),
  );
}
