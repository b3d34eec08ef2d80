import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import type { Api } from '../../../client/service/api.ts';
import { ServiceError, Unreachable } from '../../../client/service/errors.ts';
import { State } from '../../../client/state/state.ts';
import { catchUp } from '../../../client/steps/catch-up.ts';
import { pathsInDoubt, settleIntents } from '../../../client/steps/commit.ts';
import { deleteRemote } from '../../../client/steps/remote.ts';
import type { Change } from '../../../protocol/changes.ts';
import type { CommitResult } from '../../../protocol/commit.ts';
import { upload } from '../carry-out.ts';
import { device, done, openFolder, remoteFile, type StepFolder } from './open-folder.ts';

const opened: Api['uploadInit'] = async ({ upload_id }) => ({
  sent: 0,
  body: { upload_id, expires_at: 0, refused: [], send: [] },
});
const answer = (...results: CommitResult[]) => ({ sent: 0, body: { results } });
const away = new Unreachable('the service does not answer');

/** A folder with an edit of `a` whose upload got no answer. */
async function unanswered(api: Partial<Api>): Promise<StepFolder> {
  const finalize: Api['finalize'] = async () => {
    throw away;
  };
  const folder = await openFolder({ uploadInit: opened, finalize, ...api });
  await folder.agreed({ a: 'zero' });
  await writeFile(folder.on('a'), 'one');
  await folder.look();
  await expect(upload(folder.sync, [{ path: 'a', base_version: 1 }])).rejects.toBe(away);
  return folder;
}

/** What the service tells of a version of `a`. */
async function changeOf(content: string, version: number, mtime_ms: number): Promise<Change> {
  const { kind, size, mode, blocks } = await remoteFile(content, version);
  const entry = { path: 'a', kind, size, mode, mtime_ms, version, blocks: [...blocks] };
  return { cursor: version, change_type: 'update', entry, device_id: device.id, timestamp: 0 };
}

describe('a call that commits', () => {
  test('is on the disk before it is sent, and is forgotten with its answer', async () => {
    let noted: State['intents'] = [];
    const { sync, agreed } = await openFolder({
      remove: async ({ request_id }) => {
        const again = new State(sync.root);
        noted = again.intents.filter(({ id }) => id === request_id);
        again.close();
        return answer(done('a', 2, 1));
      },
    });
    await agreed({ a: 'old' });
    await deleteRemote(sync, [{ do: 'deleteRemote', path: 'a', base_version: 1 }]);
    expect(noted, 'I50: a call that nobody could repeat').toMatchObject([
      { call: 'remove', files: [{ path: 'a', base_version: 1 }] },
    ]);
    expect(sync.state.intents).toEqual([]);
  });

  test('says in which timeline its base versions are known, and says the same when it is repeated', async () => {
    const [known, since] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    const said: unknown[] = [];
    const { sync, agreed } = await openFolder({
      remove: async ({ timeline }) => {
        said.push(timeline);
        if (said.length === 1) throw away;
        return answer({ path: 'a', error: { code: 'other_timeline', message: 'set back' } });
      },
    });
    await agreed({ a: 'old' });
    sync.state.timeline = known;
    const lost = deleteRemote(sync, [{ do: 'deleteRemote', path: 'a', base_version: 1 }]);
    await expect(lost).rejects.toBe(away);
    // What was read since says nothing about the numbers in the call.
    sync.state.timeline = since;
    expect(await settleIntents(sync), 'I62: a call that only the changes tell of').toHaveLength(1);
    expect(said, 'I62: a version of another timeline is overwritten').toEqual([known, known]);
  });

  test('without an answer is repeated under its id, and agreed on as it was sent', async () => {
    const ids = new Set<string>();
    let isAway = true;
    const { sync, on, look } = await unanswered({
      finalize: async ({ upload_id }) => {
        ids.add(upload_id);
        if (isAway) throw away;
        return answer(done('a', 2, 1));
      },
    });
    expect([...pathsInDoubt(sync.state)]).toEqual(['a']);
    await writeFile(on('a'), 'two two');
    await look();
    isAway = false;
    expect(await settleIntents(sync)).toEqual([]);
    const { remote, synced } = sync.state.trees;
    expect([ids.size, synced.get('a')], 'I50: what both sides had').toMatchObject([1, { version: 2, size: 3 }]);
    expect([remote.get('a')?.version, sync.state.cursor, sync.state.intents]).toEqual([2, 1, []]);
    expect(sync.notices.dirty.has('a')).toBe(true);
  });

  test('whose answer comes after later changes were read leaves those', async () => {
    let isAway = true;
    const { sync } = await unanswered({
      finalize: async () => {
        if (isAway) throw away;
        return answer(done('a', 2, 1));
      },
    });
    sync.state.set('remote', 'a', await remoteFile('of another device', 3));
    sync.state.setFact('cursor', '2');
    isAway = false;
    await settleIntents(sync);
    const { remote, synced } = sync.state.trees;
    expect([remote.get('a')?.version, synced.get('a')?.version], 'I50: what came later').toEqual([3, 2]);
  });

  test.each([
    ['what the call meant', 'one', 2],
    ['another content, as a restore brings it', 'older', 1],
  ])('that the service knows no more is found in the changes, where they tell of %s', async (_, content, agreed) => {
    const changes: Change[] = [];
    let isAway = true;
    const { sync } = await unanswered({
      finalize: async () => {
        throw isAway ? away : new ServiceError('upload_gone', 410, 'this upload expired');
      },
      changes: async () => ({ sent: 0, body: { changes, cursor: 2, more: false } }),
    });
    changes.push(await changeOf(content, 2, sync.state.trees.local.get('a')!.mtime_ms));
    isAway = false;
    expect(await settleIntents(sync)).toEqual(sync.state.intents);
    await catchUp(sync);
    expect(sync.state.trees.synced.get('a')?.version, 'I50: what both sides had').toBe(agreed);
  });

  test('of which a file may still be finished goes on in the same upload, which reserves its space once', async () => {
    const error = { code: 'unavailable' as const, message: 'the upload changed meanwhile' };
    const ids = new Set<string>();
    const { sync, on, look } = await openFolder({
      uploadInit: opened,
      finalize: async ({ upload_id }) => {
        ids.add(upload_id);
        return answer({ path: 'a', error });
      },
    });
    await writeFile(on('a'), 'one');
    await look();
    for (let times = 0; times < 2; times++) await upload(sync, [{ path: 'a', base_version: 0 }]);
    expect([ids.size, sync.state.intents, sync.failures.countAt('a')]).toEqual([1, [], 2]);
  });

  test('at which the service breaks waits with its paths', async () => {
    let isAway = true;
    const { sync } = await unanswered({
      finalize: async () => {
        throw isAway ? away : new ServiceError('internal', 500, 'broken');
      },
    });
    isAway = false;
    expect(await settleIntents(sync)).toEqual([]);
    expect([sync.failures.paths, [...pathsInDoubt(sync.state)]]).toEqual([['a'], ['a']]);
  });
});
