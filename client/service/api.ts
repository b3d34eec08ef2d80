/**
 * The service as the client sees it: its calls, signing in to it, its pushes, and this device's configuration for it.
 */

import type { z } from 'zod';
import { reasonOf } from '../../cli/reason.ts';
import { ChangesResponse } from '../../protocol/changes.ts';
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
import { type ProveRequest, ProveResponse } from '../../protocol/prove.ts';
import type { RestoreRequest } from '../../protocol/restore.ts';
import { TicketResponse } from '../../protocol/ticket.ts';
import { TreeResponse } from '../../protocol/tree.ts';
import { type UploadInitRequest, UploadInitResponse } from '../../protocol/upload-init.ts';
import { retried, retryAfter, TryAgain } from '../common/retry.ts';
import type { AccessTokens } from './access-token.ts';
import { errorOf, ServiceError, Unreachable } from './errors.ts';

/** API Gateway ends a request after 29 s, so that no answer comes later. */
const TIMEOUT_MS = 35_000;

/** An answer, and the bytes of the request's body. */
export interface Counted<Body> {
  readonly body: Body;
  readonly sent: number;
}

export type Api = ReturnType<typeof createApi>;

/** The service's routes as functions. Every one retries, and throws `ServiceError` or `Unreachable`. */
export function createApi(baseUrl: string, tokens: AccessTokens) {
  const call = async <Schema extends z.ZodType>(
    schema: Schema,
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    content?: unknown,
  ): Promise<Counted<z.infer<Schema>>> => {
    const binary = content instanceof Uint8Array;
    const body = content === undefined ? undefined : binary ? content : Buffer.from(JSON.stringify(content));
    const type = binary ? deltaContentType : 'application/json';
    const text = await request(baseUrl + path, tokens, { method, body, type });
    return { body: schema.parse(JSON.parse(text)), sent: body?.length ?? 0 };
  };
  const post = <Schema extends z.ZodType>(schema: Schema, path: string, content: unknown) =>
    call(schema, 'POST', path, content);
  const commit = async (path: string, content: unknown): Promise<Counted<CommitResponse>> => {
    try {
      return await post(CommitResponse, path, content);
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
    prove: (content: ProveRequest) => post(ProveResponse, '/prove', content),
    applyDeltas: (content: Uint8Array) => post(DeltaApplyResponse, '/delta-apply', content),
    finalize: (content: FinalizeRequest) => commit('/finalize', content),
    remove: (content: DeleteRequest) => commit('/delete', content),
    move: (content: MoveRequest) => commit('/move', content),
    restore: (content: RestoreRequest) => commit('/restore', content),
    download: (content: DownloadRequest) => post(DownloadResponse, '/download', content),
    ticket: (deviceId: string) => post(TicketResponse, '/ticket', { device_id: deviceId }),
    damage: (deviceId: string, after?: string) =>
      call(DamageResponse, 'GET', `/heal?${query({ device_id: deviceId, after })}`),
    heal: (content: HealRequest) => post(HealResponse, '/heal', content),
    changes: (deviceId: string, cursor: number) =>
      call(ChangesResponse, 'GET', `/changes?${query({ device_id: deviceId, cursor })}`),
    tree: (deviceId: string, path?: string, after?: string) =>
      call(TreeResponse, 'GET', `/tree?${query({ device_id: deviceId, path, after })}`),
    compare: (deviceId: string, at: number, path?: string, after?: string) =>
      call(CompareResponse, 'GET', `/compare?${query({ device_id: deviceId, at, path, after })}`),
    history: (deviceId: string, path: string, before?: number) =>
      call(HistoryResponse, 'GET', `/history?${query({ device_id: deviceId, path, before })}`),
  };
}

interface Request {
  readonly method: string;
  readonly body: Uint8Array | undefined;
  readonly type: string;
}

/** The text of the answer. An access token that is refused is replaced once. */
async function request(url: string, tokens: AccessTokens, content: Request): Promise<string> {
  let renewed = false;
  return retried(async () => {
    try {
      return await send(url, await tokens.token(), content);
    } catch (error) {
      if (renewed || !(error instanceof ServiceError) || error.status !== 401) throw error;
      renewed = true;
      return await send(url, await tokens.token(true), content);
    }
  });
}

async function send(url: string, token: string, { method, body, type }: Request): Promise<string> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': type } : {}) },
    ...(body ? { body: body as Uint8Array<ArrayBuffer> } : {}),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch(noAnswer);
  const text = await response.text().catch(noAnswer);
  if (response.ok) return text;
  const error = errorOf(response.status, text, response.headers.get('apigw-requestid'));
  if (error.status !== 429 && error.status < 500) throw error;
  // A request that breaks the service says nothing about the others.
  const last = error.status === 500 ? error : new Unreachable(error.message);
  throw new TryAgain(last, retryAfter(response.headers.get('retry-after')));
}

function noAnswer(error: unknown): never {
  throw new TryAgain(new Unreachable(`the service does not answer: ${reasonOf(error)}`));
}
