import type { ChangesQuery, ChangesResponse } from '../../protocol/changes.ts';
import { limits } from '../../protocol/limits.ts';
import { fitting, itemBytes, roomBeside } from '../shared/answers/answer-size.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { findContents } from '../shared/tables/contents.ts';
import { filterHeld } from '../shared/tables/held-blocks.ts';

type Page = Pick<ChangesResponse, 'changes'>;

/**
 * The small contents of what other devices saved, as a download would answer them: those that rows have of blocks that the
 * user still holds, as many as were asked for and as the answer has room for.
 */
export async function contentsOf(
  blocks: Database,
  person: Person<Database>,
  page: Page,
  { device_id: deviceId, contents: asked = 0 }: ChangesQuery,
): Promise<NonNullable<ChangesResponse['contents']>> {
  const wanted = asked === 0 ? [] : smallBlocks(page, deviceId);
  const held = await filterHeld(ownNamespace(person), wanted);
  const there = await findContents(
    blocks,
    person.userId,
    wanted.filter((hash) => held.has(hash)),
  );
  const contents = wanted.flatMap((hash) => {
    const encoded = there.get(hash)?.encoded;
    return encoded ? [[hash, Buffer.from(encoded).toString('base64')] as const] : [];
  });
  if (contents.length === 0) return {};
  const room = Math.min(asked, roomBeside(page));
  return Object.fromEntries(fitting(contents, room, itemBytes));
}

/** Blocks of small files that others made, as they are after all changes of the page. */
function smallBlocks({ changes }: Page, deviceId: string): string[] {
  const latest = new Map(changes.map((change) => [change.entry.path, change]));
  const hashes = [...latest.values()].flatMap(({ change_type: type, device_id, entry }) =>
    (type === 'create' || type === 'update') && device_id !== deviceId && entry.size <= limits.smallBytes
      ? entry.blocks.map(({ hash }) => hash)
      : [],
  );
  return [...new Set(hashes)];
}
