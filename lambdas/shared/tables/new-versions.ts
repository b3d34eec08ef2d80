import type { Entry } from '../../../protocol/entry.ts';
import { byteaText } from '../database/sql.ts';

/** A version that is about to be made, for the statements of all tables that take part of it. */
export interface NewVersion {
  versionId: string;
  fileId: string;
  version: number;
  changeType: 'create' | 'update' | 'delete' | 'move';
  path: string;
  movedFrom?: string;
  kind: Entry['kind'];
  hashes: readonly string[];
  sizes: readonly number[];
  size: number;
  mtimeMs: number;
  mode: number;
}

/** The columns of `versionRecords`, as the alias of a row `c`. */
export const VERSION_RECORD = `c(file_id uuid, version_id uuid, seq bigint, path text, moved_from text, kind text,
  version int, change_type text, block_hashes bytea[], block_sizes int[], size_bytes bigint, mtime_ms bigint, mode int)`;

/**
 * New versions as the JSON that `json_to_recordset` takes: made once for all statements, since it may name many blocks.
 * @param firstSeq number of the first one's change; the others follow
 */
export function versionRecords(versions: readonly NewVersion[], firstSeq: number): string {
  const records = versions.map((version, index) => ({
    file_id: version.fileId,
    version_id: version.versionId,
    seq: firstSeq + index,
    path: version.path,
    moved_from: version.movedFrom ?? null,
    kind: version.kind,
    version: version.version,
    change_type: version.changeType,
    block_hashes: version.hashes.map(byteaText),
    block_sizes: version.sizes,
    size_bytes: version.size,
    mtime_ms: version.mtimeMs,
    mode: version.mode,
  }));
  return JSON.stringify(records);
}
