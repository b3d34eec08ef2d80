import { randomUUID } from 'node:crypto';
import { sha256, toHex } from '../../codec/index.ts';
import type { CommitResult } from '../../protocol/commit.ts';
import type { Kind } from '../../protocol/entry.ts';
import { limits } from '../../protocol/limits.ts';
import type { ServiceResponse } from '../../protocol/service.ts';
import type { TicketResponse } from '../../protocol/ticket.ts';
import type { OfferedFile, UploadInitResponse } from '../../protocol/upload-init.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** What the pool answers to a sign-in; to a refresh without a refresh token. */
export interface Tokens {
  readonly AccessToken: string;
  readonly IdToken: string;
  readonly RefreshToken: string;
}

/** Cognito's InitiateAuth at the service's pool. */
export async function initiateAuth(api: string, flow: string, parameters: Record<string, string>): Promise<Tokens> {
  const { auth } = (await (await fetch(`${api}/service`)).json()) as ServiceResponse;
  const response = await fetch(new URL('/', auth.provider_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'AWSCognitoIdentityProviderService.InitiateAuth',
    },
    body: JSON.stringify({ AuthFlow: flow, ClientId: auth.client_id, AuthParameters: parameters }),
  });
  return ((await response.json()) as { AuthenticationResult: Tokens }).AuthenticationResult;
}

/** A fresh access token. */
export async function signIn(api: string, { username, password }: Credentials): Promise<string> {
  const tokens = await initiateAuth(api, 'USER_PASSWORD_AUTH', { USERNAME: username, PASSWORD: password });
  return tokens.AccessToken;
}

export interface Answer<Body = Record<string, unknown>> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

/** A signed-in user with one device, talking to the service as any client does. */
export class User {
  readonly device = randomUUID();
  readonly token: string;
  readonly #api: string;
  readonly #credentials: Credentials | undefined;

  /** @param credentials by which other devices sign in for themselves; without them all devices share the token */
  constructor(api: string, token: string, credentials?: Credentials) {
    this.#api = api;
    this.token = token;
    this.#credentials = credentials;
  }

  /** As the service knows the user: the token's subject. */
  get id(): string {
    return (JSON.parse(Buffer.from(this.token.split('.')[1]!, 'base64url').toString()) as { sub: string }).sub;
  }

  async call<Body = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const binary = body instanceof Uint8Array || typeof body === 'string';
    const response = await fetch(this.#api + path, {
      method,
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: binary ? (body as BodyInit) : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Body, headers: response.headers };
  }

  /** The same user at another device. */
  async addDevice(): Promise<User> {
    const token = this.#credentials ? await signIn(this.#api, this.#credentials) : this.token;
    const other = new User(this.#api, token, this.#credentials);
    await other.call('POST', '/devices', { device_id: other.device, name: 'another' });
    return other;
  }

  /** The URL of this device's WebSocket, with a ticket that works once. */
  async socketUrl(): Promise<string> {
    const { body: service } = await this.call<ServiceResponse>('GET', '/service');
    const { body } = await this.call<TicketResponse>('POST', '/ticket', { device_id: this.device });
    return `${service.socket_url}?ticket=${encodeURIComponent(body.ticket)}`;
  }

  /** A session for one file of the given content, its blocks not sent yet. */
  async begin(
    path: string,
    content: Uint8Array,
    baseVersion = 0,
    kind: Kind = 'file',
  ): Promise<{ upload_id: string; answer: UploadInitResponse }> {
    const upload_id = randomUUID();
    const files = [{ ...(await offer(path, content, baseVersion)), kind }];
    const { status, body } = await this.call<UploadInitResponse>('POST', '/upload-init', {
      upload_id,
      device_id: this.device,
      files,
    });
    if (status !== 200) throw new Error(`upload-init answered ${status}: ${JSON.stringify(body)}`);
    return { upload_id, answer: body };
  }

  finalize(upload_id: string): Promise<Answer<{ results: CommitResult[]; code?: string }>> {
    return this.call('POST', '/finalize', { upload_id, device_id: this.device });
  }

  /** Puts the blocks of `content` that the service asked for into the store. */
  async send(answer: UploadInitResponse, content: Uint8Array): Promise<void> {
    const blocks = await blocksOf(content);
    for (const block of answer.send) {
      if (block.how !== 'put') throw new Error(`the service asks for '${block.how}'`);
      const body = blocks.find(({ hash }) => hash === block.hash)!.bytes;
      const { ok, status } = await fetch(block.url, { method: 'PUT', headers: block.headers, body: body as BodyInit });
      if (!ok) throw new Error(`the block store answered ${status}`);
    }
  }

  /** Uploads a file, or a link, whole and answers its committed result. */
  async save(path: string, content: Uint8Array, baseVersion = 0, kind: Kind = 'file'): Promise<CommitResult> {
    const { upload_id, answer } = await this.begin(path, content, baseVersion, kind);
    await this.send(answer, content);
    const { status, body } = await this.finalize(upload_id);
    if (status !== 200) throw new Error(`finalize answered ${status}: ${JSON.stringify(body)}`);
    return body.results[0]!;
  }
}

export async function blocksOf(content: Uint8Array): Promise<{ hash: string; size: number; bytes: Uint8Array }[]> {
  const count = Math.ceil(content.length / limits.blockBytes);
  const pieces = Array.from({ length: count }, (_, i) =>
    content.subarray(i * limits.blockBytes, (i + 1) * limits.blockBytes),
  );
  return Promise.all(pieces.map(async (bytes) => ({ hash: toHex(await sha256(bytes)), size: bytes.length, bytes })));
}

export async function offer(path: string, content: Uint8Array, baseVersion: number): Promise<OfferedFile> {
  const blocks = (await blocksOf(content)).map(({ hash, size }) => ({ hash, size }));
  return { path, kind: 'file', size: content.length, mtime_ms: 1, mode: 0o644, base_version: baseVersion, blocks };
}
