/**
 * The service as the client sees it: its calls, signing in to it, its pushes, and this device's configuration for it.
 */

import type { z } from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { agentOf } from '../../protocol/client-release.ts';
import { CommitResponse } from '../../protocol/commit.ts';
import { CompareResponse } from '../../protocol/compare.ts';
import type { DeleteRequest } from '../../protocol/delete.ts';
import { DeltaApplyResponse, deltaContentType } from '../../protocol/delta-apply.ts';
import { Device, DevicesResponse, type RegisterDeviceRequest } from '../../protocol/devices.ts';
import { type DownloadRequest, DownloadResponse } from '../../protocol/download.ts';
import type { FinalizeRequest } from '../../protocol/finalize.ts';
import { DamageResponse, type HealRequest, HealResponse } from '../../protocol/heal.ts';
import { HistoryResponse } from '../../protocol/history.ts';
import type { MoveRequest } from '../../protocol/move.ts';
import { type PacksRequest, PacksResponse } from '../../protocol/packs.ts';
import { type ProveRequest, ProveResponse } from '../../protocol/prove.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import { saveContentType } from '../../protocol/save.ts';
import { TicketResponse } from '../../protocol/ticket.ts';
import { type UploadInitRequest, UploadInitResponse } from '../../protocol/upload-init.ts';
import { retried, TryAgain } from '../common/retry.ts';
import type { AccessTokens } from './access-token.ts';
import { ask } from './ask.ts';
import { errorOf, notOurs, parseJson, ServiceError, Unreachable } from './errors.ts';
import { Patience } from './patience.ts';
import { ReadableChanges, ReadableTree } from './readable.ts';

/** API Gateway ends a request after 29 s, so that no answer comes later. */
const TIMEOUT_MS = 35_000;
/** Without an answer for so long it is told that there is none: a function may take longer, and mostly does not. */
const SILENCE_MS = 8_000;

/** The service takes no client that is too old for it. */
const agent = agentOf(manifest.version);

/** An answer, and the bytes of the request's body. */
export interface Counted<Body> {
  readonly body: Body;
  readonly sent: number;
}

export type Api = ReturnType<typeof createApi>;

/** What goes on while calls are made. */
export interface ApiOptions {
  /** Ends what is under way, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Told of each attempt whether the service answered it, and if not, why. */
  readonly onAttempt?: (failure: Unreachable | undefined) => void;
  /** Told what the service, or its sign-in, refused. */
  readonly onRefused?: (error: unknown) => void;
}

/** The service's routes as functions. Every one retries, and throws `ServiceError` or `Unreachable`. */
export function createApi(baseUrl: string, tokens: AccessTokens, options: ApiOptions = {}) {
  const call = async <Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    path: string,
    content?: unknown,
    type = 'application/json',
  ): Promise<Counted<z.infer<Schema>>> => {
    const isBinary = content instanceof Uint8Array;
    const body = content === undefined ? undefined : isBinary ? content : Buffer.from(JSON.stringify(content));
    const headers = body ? { 'content-type': type } : {};
    const request = { url: baseUrl + path, method, headers, body, schema };
    return { body: await new Caller(tokens, options).call(request), sent: body?.length ?? 0 };
  };
  const post = <Schema extends z.ZodType>(schema: Schema, path: string, content: unknown, type?: string) =>
    call(schema, 'POST', path, content, type);
  const commit = async (path: string, content: unknown, type?: string): Promise<Counted<CommitResponse>> => {
    try {
      return await post(CommitResponse, path, content, type);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      // All items failed for one reason: the list that says so is in the details, with whatever else belongs to that.
      const all = CommitResponse.safeParse({ results: error.details.results });
      if (!all.success) throw error;
      return { body: all.data, sent: 0 };
    }
  };
  const query = (parameters: Record<string, string | number | undefined>): string => {
    const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
    return new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  };

  return {
    registerDevice: (content: RegisterDeviceRequest) => post(Device, '/devices', content),
    devices: () => call(DevicesResponse, 'GET', '/devices'),
    revokeDevice: (deviceId: string) => call(Device, 'DELETE', `/devices/${deviceId}`),
    uploadInit: (content: UploadInitRequest) => post(UploadInitResponse, '/upload-init', content),
    packs: (content: PacksRequest) => post(PacksResponse, '/packs', content),
    prove: (content: ProveRequest) => post(ProveResponse, '/prove', content),
    applyDeltas: (content: Uint8Array) => post(DeltaApplyResponse, '/delta-apply', content, deltaContentType),
    save: (content: Uint8Array) => commit('/save', content, saveContentType),
    finalize: (content: FinalizeRequest) => commit('/finalize', content),
    remove: (content: DeleteRequest) => commit('/delete', content),
    move: (content: MoveRequest) => commit('/move', content),
    restore: (content: RestoreRequest) => commit('/restore', content),
    download: (content: DownloadRequest) => post(DownloadResponse, '/download', content),
    ticket: (deviceId: string) => post(TicketResponse, '/ticket', { device_id: deviceId }),
    damage: (deviceId: string, after?: string) =>
      call(DamageResponse, 'GET', `/heal?${query({ device_id: deviceId, after })}`),
    heal: (content: HealRequest) => post(HealResponse, '/heal', content),
    changes: (deviceId: string, cursor: number, contents?: number) =>
      call(ReadableChanges, 'GET', `/changes?${query({ device_id: deviceId, cursor, contents })}`),
    tree: (deviceId: string, path?: string, after?: string) =>
      call(ReadableTree, 'GET', `/tree?${query({ device_id: deviceId, path, after })}`),
    compare: (deviceId: string, at: number, path?: string, after?: string) =>
      call(CompareResponse, 'GET', `/compare?${query({ device_id: deviceId, at, path, after })}`),
    history: (deviceId: string, path: string, before?: number) =>
      call(HistoryResponse, 'GET', `/history?${query({ device_id: deviceId, path, before })}`),
  };
}

type Method = 'GET' | 'POST' | 'DELETE';

interface Call<Schema extends z.ZodType> {
  readonly url: string;
  readonly method: Method;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly schema: Schema;
  readonly onHeld?: (milliseconds: number) => void;
}

/** Calls until there is an answer of the service, or it counts as unreachable. */
class Caller {
  readonly #tokens: AccessTokens;
  readonly #options: ApiOptions;
  #renewed = false;

  constructor(tokens: AccessTokens, options: ApiOptions) {
    this.#tokens = tokens;
    this.#options = options;
  }

  async call<Schema extends z.ZodType>(call: Call<Schema>): Promise<z.infer<Schema>> {
    try {
      return await retried(() => this.#attempt(call), this.#options.signal);
    } catch (error) {
      if (!(error instanceof Unreachable)) this.#options.onRefused?.(error);
      throw error;
    }
  }

  /** One attempt, and its outcome told, or that there is none yet. */
  async #attempt<Schema extends z.ZodType>(call: Call<Schema>): Promise<z.infer<Schema>> {
    const { onAttempt } = this.#options;
    const seconds = SILENCE_MS / 1000;
    const silence = new Patience(SILENCE_MS, () =>
      onAttempt?.(new Unreachable(`the service has not answered for ${seconds} s`)),
    );
    try {
      const body = await this.#ask({ ...call, onHeld: (milliseconds) => silence.hold(milliseconds) });
      onAttempt?.(undefined);
      return body;
    } catch (error) {
      const failure = error instanceof TryAgain ? error.failure : error;
      if (failure instanceof Unreachable) onAttempt?.(failure);
      else if (failure instanceof ServiceError) onAttempt?.(undefined);
      throw error;
    } finally {
      silence.over();
    }
  }

  /** An access token that is refused is replaced once. */
  async #ask<Schema extends z.ZodType>(call: Call<Schema>): Promise<z.infer<Schema>> {
    try {
      return await this.#send(call, await this.#token(false));
    } catch (error) {
      if (this.#renewed || !(error instanceof ServiceError) || error.status !== 401) throw error;
      this.#renewed = true;
      return await this.#send(call, await this.#token(true));
    }
  }

  #token(renew: boolean): Promise<string> {
    return this.#tokens.token({ renew, signal: this.#options.signal });
  }

  #send<Schema extends z.ZodType>(call: Call<Schema>, token: string): Promise<z.infer<Schema>> {
    return send(call, token, this.#options.signal);
  }
}

/** @throws TryAgain where another attempt may help, ServiceError where the service says no */
async function send<Schema extends z.ZodType>(
  { url, schema, headers, ...request }: Call<Schema>,
  token: string,
  signal: AbortSignal | undefined,
): Promise<z.infer<Schema>> {
  const answer = await ask('the service', url, {
    ...request,
    headers: { ...headers, authorization: `Bearer ${token}`, 'accept-encoding': 'zstd', 'user-agent': agent },
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  if (answer.status >= 200 && answer.status < 300) {
    const parsed = schema.safeParse(parseJson(answer.text));
    if (parsed.success) return parsed.data;
    throw new TryAgain(notOurs('the service', answer));
  }
  const error = errorOf(answer);
  // A request that breaks the service says nothing about the others, and may go well the next time.
  if (error instanceof ServiceError && error.status < 500) throw error;
  throw new TryAgain(error, answer.retryAfter);
}
