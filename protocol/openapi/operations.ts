import * as z from 'zod';
import { ChangesQuery, ChangesResponse } from '../changes.ts';
import { CommitResponse } from '../commit.ts';
import { CompareQuery, CompareResponse } from '../compare.ts';
import { DeleteRequest } from '../delete.ts';
import { DeltaApplyHeader, DeltaApplyResponse } from '../delta-apply.ts';
import { Device, DevicesResponse, RegisterDeviceRequest } from '../devices.ts';
import { DownloadRequest, DownloadResponse } from '../download.ts';
import type { ErrorCode } from '../errors.ts';
import { FinalizeRequest } from '../finalize.ts';
import { DamageQuery, DamageResponse, HealRequest, HealResponse } from '../heal.ts';
import { HistoryQuery, HistoryResponse } from '../history.ts';
import { MoveRequest } from '../move.ts';
import { PacksRequest, PacksResponse } from '../packs.ts';
import { ProveRequest, ProveResponse } from '../prove.ts';
import { RestoreRequest } from '../restore.ts';
import type { routes } from '../routes.ts';
import { SaveHeader } from '../save.ts';
import { ServiceResponse } from '../service.ts';
import { TicketRequest, TicketResponse } from '../ticket.ts';
import { TreeQuery, TreeResponse } from '../tree.ts';
import { UploadInitRequest, UploadInitResponse } from '../upload-init.ts';

type KeyOf<Route> = Route extends { method: infer Method extends string; path: infer Path extends string }
  ? `${Method} ${Path}`
  : never;
export type RouteKey = KeyOf<(typeof routes)[number]>;

export interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answer: z.ZodType;
  /** @default application/json */
  readonly answerType?: string;
  /** The codes of its errors, beside those of every route that takes a token. */
  readonly errors?: readonly ErrorCode[];
}

/** What each route takes and answers; the types demand that none is left out. */
export const operations: Record<RouteKey, Operation> = {
  'GET /service': {
    id: 'describeService',
    summary: 'What a client needs to know before it can sign in; needs no token.',
    answer: ServiceResponse,
  },
  'GET /install': {
    id: 'installClient',
    summary: 'A script for a shell that installs the client which the service gives, and signs in; needs no token.',
    answer: z.string(),
    answerType: 'text/x-shellscript',
    errors: ['not_found'],
  },
  'POST /devices': {
    id: 'registerDevice',
    summary: 'Registers a device under an id that it chose, or renames it.',
    body: RegisterDeviceRequest,
    answer: Device,
    errors: ['too_many_devices', 'fresh_sign_in_required'],
  },
  'GET /devices': { id: 'listDevices', summary: 'The devices of the user.', answer: DevicesResponse },
  'DELETE /devices/{device_id}': {
    id: 'revokeDevice',
    summary: 'Shuts a device out, ends its sign-ins and closes its connections.',
    answer: Device,
    errors: ['not_found', 'fresh_sign_in_required'],
  },
  'POST /upload-init': {
    id: 'initUpload',
    summary: 'Opens an upload, or renews it, and says how to send each block that the service lacks.',
    body: UploadInitRequest,
    answer: UploadInitResponse,
    errors: ['upload_gone'],
  },
  'POST /packs': {
    id: 'initPacks',
    summary: 'Where to send packs of encoded contents, which a save names then.',
    body: PacksRequest,
    answer: PacksResponse,
  },
  'POST /save': {
    id: 'save',
    summary: 'Opens an upload of small files that brings its content, and commits it: one binary body, see SaveHeader.',
    body: SaveHeader,
    answer: CommitResponse,
    errors: [
      'upload_gone',
      'stale_version',
      'other_timeline',
      'path_conflict',
      'quota_exceeded',
      'blocks_missing',
      'content_mismatch',
      'bad_delta',
    ],
  },
  'POST /prove': {
    id: 'prove',
    summary: 'Proofs of possession for blocks that upload-init answered with a nonce.',
    body: ProveRequest,
    answer: ProveResponse,
    errors: ['upload_gone'],
  },
  'POST /delta-apply': {
    id: 'applyDeltas',
    summary: 'Rebuilds blocks from deltas against own versions: one binary body, see DeltaApplyHeader.',
    body: DeltaApplyHeader,
    answer: DeltaApplyResponse,
    errors: ['upload_gone'],
  },
  'POST /finalize': {
    id: 'finalize',
    summary: 'Makes the files of an upload visible, each by compare-and-swap on its base version.',
    body: FinalizeRequest,
    answer: CommitResponse,
    errors: ['upload_gone', 'stale_version', 'other_timeline', 'path_conflict', 'blocks_missing', 'content_mismatch'],
  },
  'POST /download': {
    id: 'download',
    summary: 'The blocks that make up each file, with signed URLs for those that the client lacks.',
    body: DownloadRequest,
    answer: DownloadResponse,
  },
  'GET /changes': {
    id: 'listChanges',
    summary: 'The changes after a cursor, in order, without a gap.',
    query: ChangesQuery,
    answer: ChangesResponse,
    errors: ['cursor_gone'],
  },
  'GET /tree': {
    id: 'listDirectory',
    summary: 'One directory, with the recursive hash of each subdirectory.',
    query: TreeQuery,
    answer: TreeResponse,
    errors: ['not_found'],
  },
  'GET /history': {
    id: 'listVersions',
    summary: 'The versions of a file, newest first, across renames.',
    query: HistoryQuery,
    answer: HistoryResponse,
    errors: ['not_found'],
  },
  'GET /compare': {
    id: 'compare',
    summary: 'How a file, a directory or the tree differs today from a moment of the last 30 days.',
    query: CompareQuery,
    answer: CompareResponse,
  },
  'POST /restore': {
    id: 'restore',
    summary: 'The content of old versions becomes new versions.',
    body: RestoreRequest,
    answer: CommitResponse,
    errors: ['not_found', 'stale_version', 'path_conflict', 'quota_exceeded'],
  },
  'GET /heal': {
    id: 'listDamage',
    summary: 'The blocks of the user’s files that the service has lost, or found damaged.',
    query: DamageQuery,
    answer: DamageResponse,
  },
  'POST /heal': {
    id: 'heal',
    summary: 'How to send damaged blocks that the device has; once more, to have it noticed.',
    body: HealRequest,
    answer: HealResponse,
  },
  'POST /delete': {
    id: 'deleteFiles',
    summary: 'Paths leave the tree; their history stays for 30 days.',
    body: DeleteRequest,
    answer: CommitResponse,
    errors: ['stale_version', 'other_timeline', 'path_conflict'],
  },
  'POST /move': {
    id: 'moveFiles',
    summary: 'Renames files and directories without touching a block.',
    body: MoveRequest,
    answer: CommitResponse,
    errors: ['stale_version', 'other_timeline', 'path_conflict'],
  },
  'POST /ticket': {
    id: 'issueTicket',
    summary: 'A one-time ticket for the WebSocket.',
    body: TicketRequest,
    answer: TicketResponse,
  },
};
