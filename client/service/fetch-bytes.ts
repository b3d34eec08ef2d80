import { limits } from '../../protocol/limits.ts';
import { connections } from './connections.ts';
import { IdleLimit } from './idle-limit.ts';

/** What has arrived of a block: an answer that breaks off leaves what it brought. */
export class Arrived {
  #room: Buffer;
  #size = 0;
  #received = 0;

  /** @param room where it is put */
  constructor(room: Buffer = Buffer.allocUnsafeSlow(limits.blockBytes)) {
    this.#room = room;
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes that came over the wire for it, those that were thrown away included. */
  get received(): number {
    return this.#received;
  }

  /** @throws Error when more arrives than a block has */
  add(part: Buffer): void {
    if (this.#size + part.length > this.#room.length) throw new Error('more arrives than a block has');
    part.copy(this.#room, this.#size);
    this.#size += part.length;
    this.#received += part.length;
  }

  clear(): void {
    this.#size = 0;
  }

  /** Goes on in another room, with what there is. */
  moveTo(room: Buffer): void {
    this.#room.copy(room, 0, 0, this.#size);
    this.#room = room;
  }

  /** Valid for as long as its room is. */
  bytes(): Uint8Array {
    return this.#room.subarray(0, this.#size);
  }
}

/** A part of what a URL leads to, in bytes. */
export interface Range {
  readonly at: number;
  readonly bytes: number;
}

/** An answer without its body. */
export interface FetchAnswer {
  readonly status: number;
  /** The header `Retry-After`. */
  readonly retryAfter: string | undefined;
}

/**
 * GETs what is missing of a block, or of a part of one, from where `arrived` ends, and adds it there. Takes the body as
 * it comes, whatever its headers say: a block is what its hash says, and who knows no ranges answers with all of it.
 * Rejects with whatever the connection ends, or the signal, when more comes than a block has, and when nothing moves any
 * more: with `DeadConnection` if that is because of the network. What came before stays in `arrived`.
 */
export async function fetchRest(
  url: string,
  arrived: Arrived,
  signal: AbortSignal,
  part?: Range,
): Promise<FetchAnswer> {
  const from = (part?.at ?? 0) + arrived.size;
  const limit = new IdleLimit(connections.dead);
  try {
    let answer: FetchAnswer | undefined;
    let isAdded = false;
    await connections.receive(
      url,
      {
        headers: from > 0 || part ? { range: `bytes=${from}-${part ? part.at + part.bytes - 1 : ''}` } : {},
        signal: AbortSignal.any([signal, limit.signal]),
        onHeld: (milliseconds) => limit.hold(milliseconds),
      },
      {
        onHead(status, header) {
          const goesOn = status === 206 && header('content-range')?.startsWith(`bytes ${from}-`) === true;
          if (!goesOn && (status < 300 || status === 416)) arrived.clear();
          isAdded = goesOn || status === 200;
          answer = { status: goesOn ? 200 : status, retryAfter: header('retry-after') };
        },
        onPart(bytes) {
          limit.moved();
          if (isAdded) arrived.add(bytes);
        },
      },
    );
    return answer!;
  } finally {
    limit.end();
  }
}
