import { createHash, randomUUID } from 'node:crypto';
import { saveBody } from '../../client/steps/save-body.ts';
import { encodeDelta } from '../../codec/index.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import type { Block } from '../../protocol/entry.ts';
import type { PacksResponse } from '../../protocol/packs.ts';
import { saveContentType } from '../../protocol/save.ts';
import type { SavedFile } from './call-save.ts';
import { type Answer, offer, type User } from './user.ts';

/** A pack of files of one block each, in their order. */
export class Pack {
  readonly files: readonly SavedFile[];
  readonly bytes: Buffer;
  readonly hash: string;
  /** Bytes of each of them in it. */
  readonly lengths: readonly number[];

  constructor(files: readonly SavedFile[]) {
    const encoded = files.map((file) => file.encoded ?? encodeDelta(new Uint8Array(0), file.content));
    this.files = files;
    this.bytes = Buffer.concat(encoded);
    this.hash = createHash('sha256').update(this.bytes).digest('hex');
    this.lengths = encoded.map(({ length }) => length);
  }

  get block(): { hash: string; size: number } {
    return { hash: this.hash, size: this.bytes.length };
  }

  /** POST /packs. */
  async init(user: User): Promise<Answer<PacksResponse>> {
    return user.call('POST', '/packs', { device_id: user.device, packs: [this.block] });
  }

  /** Asks where to send it, and sends it there. */
  async send(user: User): Promise<void> {
    const { status, body } = await this.init(user);
    if (status !== 200) throw new Error(`packs answered ${status}`);
    const [{ url, headers }] = body.send as [PacksResponse['send'][0]];
    const answer = await fetch(url, { method: 'PUT', headers, body: new Uint8Array(this.bytes) });
    if (!answer.ok) throw new Error(`S3 answered ${answer.status} to a pack`);
  }

  /** POST /save of some of the files, or of all. */
  async save(
    user: User,
    {
      files = this.files,
      packs = [this.block],
      id = randomUUID(),
    }: { readonly files?: readonly SavedFile[]; readonly packs?: readonly Block[]; readonly id?: string } = {},
  ): Promise<Answer<{ results: CommitResult[] }>> {
    const offers = await Promise.all(files.map(({ path, content, base = 0 }) => offer(path, content, base)));
    const all = await Promise.all(this.files.map(({ path, content }) => offer(path, content, 0)));
    const contents = all.map(({ blocks: [block] }, index) => ({ ...block!, bytes: this.lengths[index]!, pack: 0 }));
    const header = { upload_id: id, device_id: user.device, files: offers, packs: [...packs], contents };
    return user.call('POST', '/save', await saveBody(header, []), { 'content-type': saveContentType });
  }
}
