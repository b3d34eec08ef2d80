import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const HASH_BYTES = 32;

/** What is kept of a password. */
export interface Secret {
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

const newSalt = (): Buffer => randomBytes(16);

export async function secretOf(password: string): Promise<Secret> {
  const salt = newSalt();
  const hash = await derive(password, salt, HASH_BYTES);
  return { salt: salt.toString('base64'), hash: hash.toString('base64') };
}

/** Whoever has no password costs the same time as a wrong one. */
export async function isPassword(kept: Partial<Secret> | undefined, password: string): Promise<boolean> {
  const salt = kept?.salt === undefined ? newSalt() : Buffer.from(kept.salt, 'base64');
  const hash = await derive(password, salt, HASH_BYTES);
  return kept?.hash !== undefined && timingSafeEqual(hash, Buffer.from(kept.hash, 'base64'));
}
