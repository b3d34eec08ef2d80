import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ClientRelease, SignedRelease } from '../../protocol/client-release.ts';
import { type Context, text } from './context.ts';

/** A client that the deployment gives to its users: `client=`, the folder that `npm run package -- --key` filled. */
export interface ServedClient {
  readonly release: SignedRelease;
  /** Paths by the names of the files. */
  readonly files: Readonly<Record<string, string>>;
}

/** @throws Error where the folder holds no signed release, or other files than were signed */
export function servedClientFrom(context: Context): ServedClient | undefined {
  const given = text(context, 'client', /./, 'the folder of a client, such as dist');
  if (given === undefined) return undefined;
  const folder = resolve(given);
  const place = join(folder, 'client.json');
  if (!existsSync(place)) {
    throw new Error(`client is "${given}", which holds no client.json: run npm run package -- --key FILE.`);
  }
  const release = SignedRelease.parse(JSON.parse(readFileSync(place, 'utf8')));
  const { files } = ClientRelease.parse(JSON.parse(release.text));
  const places = Object.values(files).map(({ name, sha256 }) => {
    const file = join(folder, name);
    const actual = existsSync(file) && createHash('sha256').update(readFileSync(file)).digest('hex');
    if (actual === sha256) return [name, file] as const;
    throw new Error(`client is "${given}", whose ${name} is missing, or another than was signed: package it again.`);
  });
  return { release, files: Object.fromEntries(places) };
}
