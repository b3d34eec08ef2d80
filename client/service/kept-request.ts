import { mkdir, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskReason, LocalTrouble, systemCode } from '../common/errors.ts';
import { replaceFile } from '../common/replace-file.ts';
import { parseJson } from './errors.ts';

/**
 * A request of a command that is kept in a file until its answer came: whoever gives the command again repeats it under
 * its id, and it counts once.
 */
export class KeptRequest<Request> {
  readonly #place: string;
  /** What was asked for; a request for anything else is not this one. */
  readonly #purpose: string;

  constructor(place: string, purpose: string) {
    this.#place = place;
    this.#purpose = purpose;
  }

  /** The request that got no answer; `undefined` without one for this purpose. */
  async read(): Promise<Request | undefined> {
    const text = await readFile(this.#place, 'utf8').catch(() => '');
    const kept = parseJson(text) as { purpose: string; request: Request } | undefined;
    return kept?.purpose === this.#purpose ? kept.request : undefined;
  }

  /** To be called before the request is sent. @throws LocalTrouble when the disk does not take it */
  async keep(request: Request): Promise<void> {
    try {
      await mkdir(dirname(this.#place), { recursive: true, mode: 0o700 });
      await replaceFile(this.#place, JSON.stringify({ purpose: this.#purpose, request }), 0o600);
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw new LocalTrouble(`${this.#place} cannot be written: ${diskReason(error)}`, { cause: error });
    }
  }

  /** It has its answer. */
  async drop(): Promise<void> {
    await rm(this.#place, { force: true });
  }
}
