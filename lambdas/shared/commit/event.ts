import type { FileChanged } from '../../../protocol/file-changed.ts';
import { requestId } from '../runtime/request.ts';
import type { NewVersion } from '../tables/new-versions.ts';

/** Above this, an event would near the stream's limit of 1 MiB per message; consumers treat the list as a hint. */
const MAX_EVENT_HASHES = 4096;

/** What the stream says of a new version. The timestamp is in milliseconds since 1970. */
export function toEvent(
  commit: Pick<NewVersion, 'versionId' | 'path' | 'version' | 'changeType' | 'movedFrom' | 'hashes'> & {
    deltaSizes?: readonly number[];
    entries?: number;
  },
  { namespaceId, ...made }: { namespaceId: string; deviceId: string; cursor: number; timestamp: number },
): FileChanged {
  const request = requestId();
  const listed = commit.changeType !== 'delete' && commit.hashes.length <= MAX_EVENT_HASHES;
  return {
    user_id: namespaceId,
    file_path: commit.path,
    version: commit.version,
    change_type: commit.changeType === 'move' ? 'create' : commit.changeType,
    timestamp: made.timestamp,
    cursor: made.cursor,
    version_id: commit.versionId,
    origin_device: made.deviceId,
    ...(request !== undefined && { request_id: request }),
    ...(listed && { block_hashes: [...commit.hashes] }),
    ...(commit.deltaSizes?.length && { delta_sizes: [...commit.deltaSizes] }),
    ...(commit.movedFrom !== undefined && { moved_from: commit.movedFrom }),
    ...(commit.entries !== undefined && { entries: commit.entries }),
  };
}
