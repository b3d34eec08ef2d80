import type { PoolClient } from 'pg';
import type { FileChanged } from '../../../protocol/file-changed.ts';
import type { Namespace } from '../database/rows.ts';
import { byteaText } from '../database/sql.ts';
import { insertChanges } from './changes.ts';
import { putFiles } from './files.ts';
import type { NewVersion } from './new-versions.ts';
import { addEvents } from './outbox.ts';
import { insertVersions } from './versions.ts';

/** What `json_to_recordset` makes of `recordOf`. */
const RECORD = `new(file_id uuid, version_id uuid, path text, moved_from text, kind text, version int, change_type text,
  block_hashes bytea[], block_sizes int[], size_bytes bigint, mtime_ms bigint, mode int, seq bigint, event jsonb)`;

/**
 * Writes new versions: each with the file that has it now, its change, and its event, whose cursor is the number of the
 * change. One statement, since each costs the database more to read and plan than to carry out. Returns how many of the
 * ids were not there before.
 */
export async function writeVersions(
  namespace: Namespace<PoolClient>,
  versions: readonly { version: NewVersion; event: FileChanged }[],
  deviceId: string,
): Promise<number> {
  const { rows } = await namespace.sql.query<{ made: number }>(
    `with new as materialized (select * from json_to_recordset($1) ${RECORD}),
     files as (${putFiles(namespace)}),
     versions as (${insertVersions(namespace)} returning version_id),
     changes as (${insertChanges(namespace)}),
     events as (${addEvents(namespace)})
     select count(*) as made from versions`,
    [JSON.stringify(versions.map(recordOf)), namespace.id, deviceId],
  );
  return rows[0]!.made;
}

function recordOf({ version, event }: { version: NewVersion; event: FileChanged }) {
  return {
    file_id: version.fileId,
    version_id: version.versionId,
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
    seq: event.cursor,
    event,
  };
}
