import { expect, onTestFinished, test } from 'vitest';
import type { RemoteEntry } from '../../../client/plan/tree.ts';
import type { Api } from '../../../client/service/api.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { temporaryFolder } from '../folder.ts';
import { openSync } from '../open-sync.ts';

const device = { id: '00000000-0000-4000-8000-000000000000', name: 'desk' };
const [before, since] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
const file = { kind: 'file', size: 0, mode: 0o644, mtime_ms: 0, version: 1, blocks: [] } as const;

/** A device that agreed with the service on these files at cursor 5, and the answers that it gets now. */
async function agreedAt5(api: Partial<Api>, files: Record<string, RemoteEntry>) {
  const sync = await openSync(await temporaryFolder(), api as Api, device);
  onTestFinished(() => sync.state.close());
  for (const [path, entry] of Object.entries(files)) {
    sync.state.set('remote', path, entry);
    sync.state.set('synced', path, { ...entry, identity: path });
  }
  sync.state.setFact('cursor', '5');
  return sync;
}

test('a service that was set back and has come past the cursor since is merged with, not followed', async () => {
  const names = ['kept', 'private'];
  const entries = names.map((name) => ({ name, entry: { ...file, blocks: [], path: name } }));
  const sync = await agreedAt5(
    {
      changes: async () => ({ sent: 0, body: { changes: [], cursor: 5, more: false, timeline: since } }),
      tree: async () => ({ sent: 0, body: { hash: '0'.repeat(64), cursor: 9, entries, timeline: since } }),
    },
    { kept: file, lost: file, private: { ...file, mode: 0o600 } },
  );
  sync.state.timeline = before;
  sync.tombstones.set('gone', 7);
  await catchUp(sync);
  const { state, tombstones } = sync;
  expect([state.cursor, state.timeline], 'I48: the tree that was read').toEqual([9, since]);
  expect([...state.trees.remote.keys()], 'I48: what the service has').toEqual(['kept', 'private']);
  expect([...state.trees.synced.keys()], 'I48: what would be deleted or overwritten here').toEqual(['kept']);
  expect([...tombstones], 'I48: a deletion that never was').toEqual([]);
});

test('a device of the release before takes the timeline that it is told first', async () => {
  const sync = await agreedAt5(
    { changes: async () => ({ sent: 0, body: { changes: [], cursor: 5, more: false, timeline: before } }) },
    { kept: file },
  );
  await catchUp(sync);
  expect([sync.state.timeline, sync.state.trees.synced.size]).toEqual([before, 1]);
});
