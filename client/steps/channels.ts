import { Window } from '../common/window.ts';
import { Arrived } from '../service/fetch-bytes.ts';
import type { Gate } from '../service/gate.ts';
import { SendRate } from '../service/send-rate.ts';

/** Blocks that broke off whose beginnings are kept: as many as may be under way. */
const BROKEN_OFF = 8;

/** What is known of the way to the store. */
export interface UpChannel {
  readonly window: Window;
  readonly rate: SendRate;
  /** Shared by all that send: what refuses one block refuses the others. */
  readonly gate: Gate;
}

/** What is known of the way from the CDN. */
export interface DownChannel {
  readonly window: Window;
  readonly beginnings: Beginnings;
  readonly gate: Gate;
}

/** What arrived of blocks that broke off, by hash: the next attempt goes on from there. */
class Beginnings {
  readonly #byHash = new Map<string, Arrived>();

  /** Takes what there is of a block into a room. */
  take(hash: string, room: Buffer): Arrived {
    const arrived = this.#byHash.get(hash) ?? new Arrived(room);
    this.#byHash.delete(hash);
    arrived.moveTo(room);
    return arrived;
  }

  /** Keeps a block outside of its room. */
  keep(hash: string, arrived: Arrived): void {
    arrived.moveTo(Buffer.allocUnsafeSlow(arrived.size));
    if (arrived.size > 0) this.#byHash.set(hash, arrived);
    for (const oldest of this.#byHash.keys()) {
      if (this.#byHash.size <= BROKEN_OFF) break;
      this.#byHash.delete(oldest);
    }
  }
}

export function newUpChannel(gate: Gate): UpChannel {
  return { window: new Window(), rate: new SendRate(), gate };
}

export function newDownChannel(gate: Gate): DownChannel {
  return { window: new Window(), beginnings: new Beginnings(), gate };
}
