import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { type Api, createApi } from '../client/service/api.ts';
import { signInWithPassword } from '../client/service/sign-in.ts';
import { ServiceResponse } from '../protocol/service.ts';
import { SocketMessage } from '../protocol/socket.ts';
import { automaticPerson } from './person.ts';

/** The deployment under test and who signs in to it. */
export interface Target {
  /** Output ApiUrl of the deployment. */
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** Of the user's authenticator, in base32. @default - he has no second factor */
  readonly totpKey?: string;
}

/** A signed-in device. */
export interface Device {
  readonly id: string;
  readonly api: Api;
  /** Takes back its registration; its sockets are closed. */
  revoke(): Promise<void>;
}

/** Messages of a device's WebSocket. */
export interface Listener {
  /** The first push of this file and version, however early it came. Rejects after `withinMs`. */
  heard(path: string, version: number, withinMs: number): Promise<SocketMessage>;
  /** Resolves when the service closed the socket. */
  readonly closed: Promise<void>;
  close(): void;
}

/** What the service tells without a token. Throws when nothing that this client knows answers. */
export async function askService(url: string): Promise<ServiceResponse> {
  const response = await fetch(`${url}/service`);
  if (!response.ok) throw new Error(`GET /service answered ${response.status}: ${await response.text()}`);
  return ServiceResponse.parse(await response.json());
}

/** An access token for the target's user. */
export async function signIn({ username, password, totpKey }: Target, { auth }: ServiceResponse): Promise<string> {
  return (await signInWithPassword(auth, username, password, automaticPerson(username, totpKey))).access;
}

export async function addDevice(service: ServiceResponse, token: string, name: string): Promise<Device> {
  const id = randomUUID();
  const api = createApi(service.api_url, { token: async () => token });
  await api.registerDevice({ device_id: id, name });
  const revoke = async (): Promise<void> => {
    const headers = { authorization: `Bearer ${token}` };
    const { ok, status } = await fetch(`${service.api_url}/devices/${id}`, { method: 'DELETE', headers });
    if (!ok) throw new Error(`DELETE /devices/${id} answered ${status}`);
  };
  return { id, api, revoke };
}

/** Opens the device's WebSocket with a one-time ticket; resolves when it is open. */
export async function listen({ id, api }: Device, socketUrl: string): Promise<Listener> {
  const { ticket } = (await api.ticket(id)).body;
  const socket = new WebSocket(`${socketUrl}?ticket=${encodeURIComponent(ticket)}`);
  const messages: SocketMessage[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data) => {
    messages.push(SocketMessage.parse(JSON.parse(String(data))));
    for (const look of waiting) look();
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return {
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
    close: () => socket.terminate(),
    heard: (path, version, withinMs) =>
      new Promise((resolve, reject) => {
        const stop = (): void => {
          clearTimeout(timer);
          waiting.delete(look);
        };
        const look = (): void => {
          const found = messages.find(
            (message) => message.type === 'changed' && message.file_path === path && message.version === version,
          );
          if (!found) return;
          stop();
          resolve(found);
        };
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`no push of ${path} version ${version} came within ${withinMs / 1000} s`));
        }, withinMs);
        waiting.add(look);
        look();
      }),
  };
}
