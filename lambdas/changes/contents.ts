import type { ChangesQuery, ChangesResponse } from '../../protocol/changes.ts';
import { limits } from '../../protocol/limits.ts';
import { roomBeside } from '../shared/answers/answer-size.ts';
import { type Database, ownNamespace, type Person } from '../shared/database/rows.ts';
import { answeredContents, findContents } from '../shared/tables/contents.ts';
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
  if (asked === 0) return {};
  const wanted = smallBlocks(page, deviceId);
  const held = await filterHeld(ownNamespace(person), wanted);
  const there = await findContents(
    blocks,
    person.userId,
    wanted.filter((hash) => held.has(hash)),
  );
  if (there.size === 0) return {};
  return Object.fromEntries(answeredContents(wanted, there, Math.min(asked, roomBeside(page))));
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
