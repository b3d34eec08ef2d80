import { randomBytes, randomUUID } from 'node:crypto';
import { callSave } from '../../test/support/call-save.ts';
import type { Answer, User } from '../../test/support/user.ts';

/** Notes that a user has from the beginning. */
const NOTES = 100;
const NOTE_BYTES = 2048;
/** Goes to the store by itself. */
const LARGE_BYTES = 1024 * 1024;
/** What a device has room for that reads changes. */
const CONTENT_BYTES = 1024 * 1024;

/** A user with notes and two devices, one that saves and one that reads. */
export class Caller {
  readonly #writer: User;
  readonly #reader: User;
  /** Of notes that were not renamed yet. */
  readonly #unmoved: string[] = [];
  #cursor = 0;

  private constructor(writer: User, reader: User) {
    this.#writer = writer;
    this.#reader = reader;
  }

  /** @param writer a user without files, whose device may be registered already */
  static async open(writer: User): Promise<Caller> {
    await writer.call('POST', '/devices', { device_id: writer.device, name: 'writer' });
    const caller = new Caller(writer, await writer.addDevice());
    await caller.#save(Array.from({ length: NOTES }, (_, index) => nameOf(index)));
    return caller;
  }

  /** A note that is new, in one call. */
  async saveNote(): Promise<void> {
    const path = `saved/${randomUUID()}`;
    await this.#save([path]);
    this.#unmoved.push(path);
  }

  async downloadNote(): Promise<void> {
    const path = nameOf(Math.floor(Math.random() * NOTES));
    demand(await this.#reader.call('POST', '/download', { device_id: this.#reader.device, files: [{ path }] }));
  }

  /** Since it read them last. */
  async readChanges(): Promise<void> {
    const query = `device_id=${this.#reader.device}&cursor=${this.#cursor}&contents=${CONTENT_BYTES}`;
    const { cursor } = demand(await this.#reader.call<{ cursor: number }>('GET', `/changes?${query}`));
    this.#cursor = cursor;
  }

  /** A directory of a hundred files. */
  async listNotes(): Promise<void> {
    demand(await this.#reader.call('GET', `/tree?device_id=${this.#reader.device}&path=notes`));
  }

  async askForTicket(): Promise<void> {
    demand(await this.#reader.call('POST', '/ticket', { device_id: this.#reader.device }));
  }

  /** A note that was saved before. */
  async renameNote(): Promise<void> {
    const from = this.#unmoved.pop();
    if (from === undefined) throw new Error('there is no note to rename: save as many before');
    const moves = [{ from, to: `${from} renamed`, base_version: 1 }];
    const request = { request_id: randomUUID(), device_id: this.#writer.device, moves };
    demand(await this.#writer.call('POST', '/move', request));
  }

  /** A new file, by all the calls that one of its size takes. */
  async upload(): Promise<void> {
    await this.#writer.save(`large/${randomUUID()}`, randomBytes(LARGE_BYTES));
  }

  async #save(paths: readonly string[]): Promise<void> {
    demand(
      await callSave(
        this.#writer,
        paths.map((path) => ({ path, content: randomBytes(NOTE_BYTES) })),
      ),
    );
  }
}

function nameOf(index: number): string {
  return `notes/note ${index}`;
}

function demand<Body>({ status, body }: Answer<Body>): Body {
  if (status !== 200) throw new Error(`the service answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** What a user's devices ask for most. */
export const kinds: readonly (readonly [what: string, call: (caller: Caller) => Promise<void>])[] = [
  ['POST /save of a note', (caller) => caller.saveNote()],
  ['POST /move of a note', (caller) => caller.renameNote()],
  ['GET /changes since then', (caller) => caller.readChanges()],
  ['POST /download of a note', (caller) => caller.downloadNote()],
  ['GET /tree of 100 files', (caller) => caller.listNotes()],
  ['POST /ticket', (caller) => caller.askForTicket()],
  ['POST /upload-init, PUT of 1 MiB, POST /finalize', (caller) => caller.upload()],
];
