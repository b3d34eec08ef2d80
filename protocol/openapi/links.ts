import type { RouteKey } from './operations.ts';

interface Link {
  readonly operationId: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Fields of the next body; a client chooses the others. */
  readonly requestBody?: Readonly<Record<string, unknown>>;
}

const device_id = '$request.body#/device_id';
const path = '$response.body#/results/0/path';
const version = '$response.body#/results/0/version';

const afterCommit: Readonly<Record<string, Link>> = {
  download: { operationId: 'download', requestBody: { device_id, files: [{ path, version }] } },
  history: { operationId: 'listVersions', parameters: { device_id, path } },
  delete: { operationId: 'deleteFiles', requestBody: { device_id, files: [{ path, base_version: version }] } },
  move: {
    operationId: 'moveFiles',
    requestBody: { device_id, moves: [{ from: path, to: 'moved', base_version: version }] },
  },
  restore: {
    operationId: 'restore',
    requestBody: { device_id, files: [{ path, version, base_version: version }] },
  },
};

const upload: Link = { operationId: 'initUpload', requestBody: { device_id: '$request.query.device_id' } };

/** What a client calls next with what an answer brought it. */
export const links: { readonly [Key in RouteKey]?: Readonly<Record<string, Link>> } = {
  'POST /devices': {
    revoke: { operationId: 'revokeDevice', parameters: { device_id: '$response.body#/device_id' } },
  },
  'POST /upload-init': {
    prove: {
      operationId: 'prove',
      requestBody: {
        upload_id: '$response.body#/upload_id',
        device_id,
        proofs: [{ hash: '$response.body#/send/0/hash', proof: '$response.body#/send/0/hash' }],
      },
    },
    finalize: { operationId: 'finalize', requestBody: { upload_id: '$response.body#/upload_id', device_id } },
  },
  'POST /finalize': afterCommit,
  'POST /move': afterCommit,
  'POST /restore': afterCommit,
  'POST /delete': {
    history: afterCommit.history!,
    restore: {
      operationId: 'restore',
      requestBody: { device_id, files: [{ path, version: 1, base_version: 0 }] },
    },
  },
  'GET /changes': { upload },
};
