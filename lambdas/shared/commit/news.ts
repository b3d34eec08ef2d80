import type { Contents, News } from '../../../protocol/changes.ts';
import { entryOf } from '../tables/files.ts';
import type { NewVersion } from '../tables/new-versions.ts';

/** A new file version of which the content is small, as pushes carry it: a device that has all before it asks for nothing. */
export function newsOf(
  version: NewVersion,
  contents: Contents,
  made: { timeline: string; deviceId: string; cursor: number; timestamp: number },
): News | undefined {
  const { changeType } = version;
  if (changeType !== 'create' && changeType !== 'update') return undefined;
  const { timeline, deviceId, ...rest } = made;
  const entry = entryOf(version, version.version);
  return { change: { ...rest, change_type: changeType, entry, device_id: deviceId }, timeline, contents };
}
