import { randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, importPKCS8, type JWTPayload, SignJWT } from 'jose';
import { initiateAuth, type Tokens, User } from '../../support/user.ts';
import { url as api, ask, data } from './service.ts';

/** A user of the pool who has no device yet, at its sign-in page. */
export async function newcomer(): Promise<{ signIn(): Promise<Tokens>; refresh(token: string): Promise<Tokens> }> {
  const [username, password] = [`${randomUUID()}@tidemark.example`, 'Correct-horse-1'];
  await ask('/users', { username, password });
  return {
    signIn: () => initiateAuth(api, 'USER_PASSWORD_AUTH', { USERNAME: username, PASSWORD: password }),
    refresh: (token) => initiateAuth(api, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: token }),
  };
}

/** A device that registers by the token. */
export async function enter(token: string, name: string): Promise<User> {
  const device = new User(api, token);
  await device.call('POST', '/devices', { device_id: device.device, name });
  return device;
}

/** The token with other claims, signed by the pool's own key: as it would be after some time. */
export async function altered(token: string, changes: JWTPayload): Promise<string> {
  const folder = join(data, 'cognito');
  const [pool] = await readdir(folder);
  const { privateKey, publicKey } = JSON.parse(await readFile(join(folder, pool!), 'utf8')) as {
    privateKey: string;
    publicKey: { kid: string };
  };
  return await new SignJWT({ ...decodeJwt(token), ...changes })
    .setProtectedHeader({ alg: 'RS256', kid: publicKey.kid })
    .sign(await importPKCS8(privateKey, 'RS256'));
}
