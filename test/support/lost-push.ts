import { randomUUID } from 'node:crypto';
import type { FileChanged } from '../../protocol/file-changed.ts';

/** More than the gateway takes in one message. */
const TOO_MUCH = Buffer.alloc(200_000).toString('base64');

/** For notify: a change, made on no device of the user, whose push the gateway refuses. */
export function lostPush(userId: string, cursor: number) {
  const [device, hash] = [randomUUID(), '0'.repeat(64)];
  const entry = { path: 'a', kind: 'file' as const, size: 0, mtime_ms: 0, mode: 0o644, version: 1, blocks: [] };
  const change: FileChanged = {
    ...{ user_id: userId, file_path: 'a', version: 1, change_type: 'create', timestamp: Date.now() },
    ...{ cursor, version_id: randomUUID(), origin_device: device },
    news: {
      change: { cursor, change_type: 'create', entry, device_id: device, timestamp: 0 },
      timeline: randomUUID(),
      contents: { [hash]: TOO_MUCH },
    },
  };
  return { records: { 'file-changed-0': [{ value: Buffer.from(JSON.stringify(change)).toString('base64') }] } };
}
