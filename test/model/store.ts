import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';
import { createAccess } from '../../local/aws/access.ts';
import { createEndpoint } from '../../local/aws/endpoint.ts';
import { type Bucket, createBuckets, currentVersion } from '../../local/aws/s3/buckets.ts';
import { createS3Handler } from '../../local/aws/s3/handler.ts';
import type { ObjectVersion } from '../../local/aws/s3/journal.ts';
import { close, listen } from '../../local/listen.ts';
import type { Identities } from '../../local/types.ts';
import { freePort } from '../support/ports.ts';
import { scratch } from '../support/scratch.ts';
import { currentActor } from './scheduler.ts';

const credentials = { accessKeyId: 'ASIAMODEL', secretAccessKey: 'secret', sessionToken: 'token' };

/** Whoever has the key may do everything. */
const identities: Identities = {
  find: (accessKeyId) =>
    accessKeyId === credentials.accessKeyId
      ? { name: 'model', roleArn: 'arn:aws:iam::000000000000:role/model', ...credentials }
      : undefined,
  authorize: () => {},
  reach: () => {},
};

/** A version of an object, with its bytes unless it is a delete marker. */
export interface SavedObject {
  readonly version: ObjectVersion;
  readonly bytes: Buffer | undefined;
}

/** The local S3 with one versioned bucket, to which every S3 client of this process is directed. */
export class Store {
  /** Called when an object version has been deleted, with its block's hash; `current` says that it was the newest. */
  onDelete: (hash: string, current: boolean) => void = () => {};
  readonly #bucket: Bucket;
  readonly #stop: () => Promise<void>;

  private constructor(bucket: Bucket, stop: () => Promise<void>) {
    this.#bucket = bucket;
    this.#stop = stop;
  }

  static async start(): Promise<Store> {
    const folder = await scratch('tidemark-model-');
    const log = () => {};
    const access = createAccess(identities, log);
    const buckets = createBuckets(folder);
    const [type, name] = ['AWS::S3::Bucket', 'blocks'];
    const properties = { VersioningConfiguration: { Status: 'Enabled' } };
    await buckets.providers[type]!({ type, logicalId: 'Blocks', stack: 'Model', physicalName: name, properties });
    const endpoint = createEndpoint(createS3Handler(buckets, identities, access, log), [], { identities, access, log });
    const server = createServer((request, response) => void endpoint(request, response));
    const port = await freePort();
    await listen(server, port, 'S3');
    Object.assign(process.env, {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
      AWS_MAX_ATTEMPTS: '1',
      BLOCK_BUCKET: name,
    });
    const bucket = buckets.find(name);
    const store = new Store(bucket, async () => {
      await close(server);
      await buckets.close();
      await rm(folder, { recursive: true, force: true });
    });
    store.#makeCallsSteps();
    return store;
  }

  /** Hashes of the blocks that can be read. */
  get hashes(): string[] {
    return [...this.#bucket.journal.versions.keys()]
      .filter((key) => currentVersion(this.#bucket, key))
      .map((key) => key.replace('blocks/', ''));
  }

  /** Whether the block can be read and has the content that its name says. */
  async holds(hash: string): Promise<boolean> {
    const { journal } = this.#bucket;
    const version = currentVersion(this.#bucket, `blocks/${hash}`);
    if (!version?.file) return false;
    return (
      createHash('sha256')
        .update(await readFile(journal.path(version.file)))
        .digest('hex') === hash
    );
  }

  /** Bytes of what can be read of a block; none where there is nothing. */
  async read(hash: string, { at, bytes }: { readonly at: number; readonly bytes: number }): Promise<Uint8Array> {
    const version = currentVersion(this.#bucket, `blocks/${hash}`);
    if (!version?.file) return new Uint8Array(0);
    return (await readFile(this.#bucket.journal.path(version.file))).subarray(at, at + bytes);
  }

  /** How many versions of objects there are, delete markers included. */
  get versionCount(): number {
    return [...this.#bucket.journal.versions.values()].flat().length;
  }

  /** What readers and the service's functions see of it. */
  describe(): unknown[] {
    return [...this.#bucket.journal.versions.values()].map((versions) =>
      versions.map(({ key, versionId, size, metadata }) => ({
        key: key.replace('blocks/', ''),
        versionId,
        size,
        metadata,
      })),
    );
  }

  async save(): Promise<SavedObject[]> {
    const { journal } = this.#bucket;
    return await Promise.all(
      [...journal.versions.values()].flat().map(async (version) => {
        const bytes = version.file === undefined ? undefined : await readFile(journal.path(version.file));
        return { version, bytes };
      }),
    );
  }

  /** Holds these versions again, and no others. */
  async bringBack(objects: readonly SavedObject[]): Promise<void> {
    const { journal } = this.#bucket;
    const now = [...journal.versions.values()].flat();
    if (now.length === objects.length && objects.every(({ version }) => now.includes(version))) return;
    await this.clear();
    for (const { version, bytes } of objects) {
      if (version.file !== undefined) await writeFile(journal.temporary(version.file), bytes!);
      await journal.put(version);
    }
  }

  async clear(): Promise<void> {
    const { journal } = this.#bucket;
    for (const version of [...journal.versions.values()].flat()) await journal.remove(version);
  }

  async stop(): Promise<void> {
    await this.#stop();
  }

  /** Every call of the SDK that an actor makes is a step of it. */
  #makeCallsSteps(): void {
    const { prototype } = S3Client;
    const send = prototype.send as unknown as (this: S3Client, command: Command) => Promise<unknown>;
    const call = async (client: S3Client, command: Command) => {
      const { Key, VersionId } = command.input;
      const newest = Key && this.#bucket.journal.versions.get(Key)?.at(-1)?.versionId;
      const answer = await send.call(client, command);
      if (command.constructor.name === 'DeleteObjectCommand' && Key) {
        this.onDelete(Key.replace('blocks/', ''), VersionId === undefined || VersionId === newest);
      }
      return answer;
    };
    prototype.send = function (this: S3Client, command: Command) {
      const actor = currentActor.getStore();
      const { Key, Prefix, VersionId } = command.input;
      const name = `${command.constructor.name.replace('Command', '')} ${(Key ?? Prefix)?.slice(7, 13)} ${VersionId?.slice(0, 4) ?? ''}`;
      return actor ? actor.step(name, () => call(this, command)) : send.call(this, command);
    } as typeof prototype.send;
  }
}

interface Command {
  readonly input: { Key?: string; Prefix?: string; VersionId?: string };
}
