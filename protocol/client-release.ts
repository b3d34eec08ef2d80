import * as z from 'zod';
import { Hash } from './hash.ts';

/** A released version, as X.Y.Z. */
export const Version = z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, 'must be a version as X.Y.Z');

/** The oldest client that the service takes: who calls it with an older one is told to update. */
export const leastClient = '0.1.0';

/** Whether one version came before another one. */
export function isOlder(version: string, other: string): boolean {
  return version.localeCompare(other, 'en', { numeric: true }) < 0;
}

/** What a client says of itself in the header `user-agent`. */
export const agentOf = (version: string): string => `tidemark/${version}`;

/** The version of a client that called itself so; `undefined` for any other program. */
export function versionOf(agent: string): string | undefined {
  return /^tidemark\/(\d+\.\d+\.\d+)$/.exec(agent)?.[1];
}

/** An Ed25519 public key: the base64 of its 32 bytes. */
const PublicKey = z.string().regex(/^[A-Za-z0-9+/]{43}=$/, 'must be the base64 of 32 bytes');

/** A file of a release. */
const ReleaseFile = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$/),
  bytes: z.int().positive(),
  sha256: Hash,
});

/** A version of the client: what is signed, as JSON. */
export const ClientRelease = z.object({
  version: Version,
  /** By which the next releases are signed: who trusts this one pins it. */
  key: PublicKey,
  /** The archive of each platform, as `linux-x64`, and the package for npm, `npm`. */
  files: z.record(z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)?$/), ReleaseFile),
});
export type ClientRelease = z.infer<typeof ClientRelease>;

/** A release with its signatures, as `npm run package` writes it to `client.json`. */
export const SignedRelease = z.strictObject({
  /** A `ClientRelease` as JSON. */
  text: z.string().max(2000),
  /** Ed25519, in base64, of what `signedText` answers; one by each key that somebody may have pinned. */
  signatures: z.array(z.strictObject({ key: PublicKey, signature: z.string().regex(/^[A-Za-z0-9+/]{86}==$/) })).min(1),
});
export type SignedRelease = z.infer<typeof SignedRelease>;

/** What a signature covers: it is one for a release of this client, and for nothing else that a key may sign. */
export function signedText({ text }: Pick<SignedRelease, 'text'>): string {
  return `tidemark client release 1\n${text}`;
}

/** What GET /service says of clients. */
export const ServedClient = z.strictObject({
  /** The oldest that the service takes. */
  least: Version,
  /** The one that it gives, if it gives any. */
  release: z
    .strictObject({
      /** Where the files lie, by their names, without a token. */
      url: z.url(),
      ...SignedRelease.shape,
    })
    .optional(),
});
export type ServedClient = z.infer<typeof ServedClient>;
