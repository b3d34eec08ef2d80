import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { retried, TryAgain } from '../../client/common/retry.ts';
import type { Cloud } from '../../local/cloud/cloud.ts';
import { SocketMessage } from '../../protocol/socket.ts';
import { callSave } from '../../test/support/call-save.ts';
import { signIn, User } from '../../test/support/user.ts';

/** What takes longer counts as lost. */
export const PATIENCE_MS = 60_000;

/** A user who saves on a device without a socket, and listens on others. */
export class Audience {
  readonly #user: User;
  readonly #sockets: readonly WebSocket[];

  private constructor(user: User, sockets: readonly WebSocket[]) {
    this.#user = user;
    this.#sockets = sockets;
  }

  static async open(cloud: Cloud, count: number): Promise<Audience> {
    const credentials = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
    await cloud.services.createUser(cloud.outputs.UserPoolId!, credentials);
    const user = new User(cloud.urls.api, await signIn(cloud.urls.api, credentials));
    await user.call('POST', '/devices', { device_id: user.device, name: 'sender' });
    const sockets: WebSocket[] = [];
    while (sockets.length < count) sockets.push(await openSocket(await user.addDevice()));
    return new Audience(user, sockets);
  }

  /**
   * Saves small files in one call. Answers after how many milliseconds, from the commit by the database's clock, the push
   * of the newest came to each socket, `undefined` where it did not.
   */
  async save(files: number): Promise<(number | undefined)[]> {
    const stop = new AbortController();
    const heard = this.#sockets.map((socket) => newestHeard(socket, stop.signal));
    const newest = await this.#commit(files);
    const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
    const lateness = await Promise.all(heard.map((wait) => wait(newest)));
    clearTimeout(timer);
    stop.abort();
    return lateness;
  }

  close(): void {
    for (const socket of this.#sockets) socket.terminate();
  }

  /** Answers the cursor of the newest. What is not answered in the gateway's time is saved once more, as the client does. */
  async #commit(count: number): Promise<number> {
    const files = Array.from({ length: count }, () => ({ path: randomUUID(), content: Buffer.from(randomUUID()) }));
    const id = randomUUID();
    const { results } = await retried(async () => {
      const { status, body } = await callSave(this.#user, files, id);
      if (status === 200) return body;
      const failure = new Error(`save answered ${status}: ${JSON.stringify(body)}`);
      throw status >= 500 ? new TryAgain(failure) : failure;
    });
    const cursors = results.flatMap((result) => ('cursor' in result ? [result.cursor] : []));
    if (cursors.length < count) throw new Error(`save refused some: ${JSON.stringify(results)}`);
    return Math.max(...cursors);
  }
}

async function openSocket(device: User): Promise<WebSocket> {
  const socket = new WebSocket(await device.socketUrl());
  await once(socket, 'open');
  return socket;
}

/** Listens from now on; the answer waits for the push of a cursor. */
function newestHeard(socket: WebSocket, signal: AbortSignal): (cursor: number) => Promise<number | undefined> {
  const late = new Map<number, number>();
  let told = (): void => undefined;
  const hear = (data: unknown): void => {
    const message = SocketMessage.parse(JSON.parse(String(data)));
    if (message.type === 'changed') late.set(message.cursor, Date.now() - message.timestamp);
    told();
  };
  socket.on('message', hear);
  signal.addEventListener('abort', () => {
    socket.off('message', hear);
    told();
  });
  return async (cursor) => {
    while (!late.has(cursor) && !signal.aborted) await new Promise<void>((resolve) => (told = resolve));
    return late.get(cursor);
  };
}
