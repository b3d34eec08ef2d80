import { randomBytes, randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { signInWithPassword, signInWithRefreshToken } from '../../client/service/sign-in.ts';
import type { ServiceResponse } from '../../protocol/service.ts';
import { admin } from '../support/admin.ts';
import { Somebody } from '../support/person.ts';
import { User } from '../support/user.ts';
import { data, url } from './support/service.ts';

/** What `tidemark-admin users` answers, line by line. Throws what it says when it fails. */
async function users(...words: string[]): Promise<Record<string, unknown>[]> {
  const { code, lines, said } = await admin({ data }, 'users', ...words);
  if (code !== 0) throw new Error(said);
  return lines;
}

const listed = async (email: string) => (await users('list')).find((line) => line.email === email);
const { auth: provider } = (await (await fetch(`${url}/service`)).json()) as ServiceResponse;

test('a user is added, chooses a password, is given a quota, and is shut out', async () => {
  const email = `${randomUUID()}@tidemark.example`;
  const [added] = await users('add', email, '--print-password');
  expect(added).toEqual({ email, state: 'invited', password: expect.any(String) });
  expect(await listed(email)).toEqual({ email, state: 'invited', devices: 0, used_bytes: 0, quota_bytes: null });
  await expect(users('add', email)).rejects.toThrow(/already exists/);
  await users('quota', email, '1MiB');

  const person = new Somebody();
  const { password } = person;
  const { access, refresh } = await signInWithPassword(provider, email, String(added!.password), person);
  const user = new User(url, access);
  await user.call('POST', '/devices', { device_id: user.device, name: 'desk' });
  await user.save('small', randomBytes(1000));
  await user.save('big', randomBytes(1_100_000));
  const known = { email, state: 'active', devices: 1, used_bytes: 1000 };
  expect(await listed(email)).toEqual({ ...known, quota_bytes: 2 ** 20 });
  await users('quota', email, 'default');
  await user.save('big', randomBytes(1_100_000));
  expect(await listed(email)).toMatchObject({ used_bytes: 1_101_000 });

  await users('disable', email);
  expect(await listed(email)).toMatchObject({ state: 'disabled' });
  await expect(signInWithPassword(provider, email, password)).rejects.toThrow(/disabled/);
  await expect(signInWithRefreshToken(provider, refresh!)).rejects.toThrow();
  await users('enable', email);
  await signInWithPassword(provider, email, password);
});

test('who is not there, and a size that is none, are refused with what to do', async () => {
  await expect(users('disable', 'nobody@tidemark.example')).rejects.toThrow(/there is no user nobody@/);
  await expect(users('quota', 'nobody@tidemark.example', '5')).rejects.toThrow(/50GiB/);
});

test('without a password to print, the first one is mailed', async () => {
  const email = `${randomUUID()}@tidemark.example`;
  expect(await users('add', email)).toEqual([{ email, state: 'invited' }]);
});
