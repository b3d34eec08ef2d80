import { beforeEach, describe, expect, test } from 'vitest';
import type { Api } from '../../client/service/api.ts';
import { ServiceError } from '../../client/service/errors.ts';
import { catchUp } from '../../client/steps/catch-up.ts';
import { isOutage } from '../../client/steps/classify.ts';
import { settleIntents } from '../../client/steps/commit.ts';
import { meaningOf } from '../../client/steps/refusals.ts';
import { deleteRemote, moveRemote } from '../../client/steps/remote.ts';
import { type ErrorCode, errorStatus } from '../../protocol/errors.ts';
import { errorsOf } from '../../protocol/openapi/document.ts';
import type { RouteKey } from '../../protocol/openapi/operations.ts';
import { device, openFolder, type StepFolder } from './steps/open-folder.ts';

/* Every code of every route that a sync calls, as the description of the API lists them. */

const codesOf = (...routes: RouteKey[]) =>
  routes.flatMap((route) => errorsOf(route).map((code) => [route, code] as const));
const refused = (code: ErrorCode): ServiceError => new ServiceError(code, errorStatus[code], `refused with ${code}`);
const refuse = (code: ErrorCode) => async (): Promise<never> => {
  throw refused(code);
};

/** A folder whose service refuses all that commits. */
async function refusing(code: ErrorCode): Promise<StepFolder> {
  const folder = await openFolder({ finalize: refuse(code), remove: refuse(code), move: refuse(code) });
  await folder.agreed({ a: 'old' });
  folder.sync.notices.takeBehind();
  return folder;
}

describe('a path', () => {
  const calls = codesOf(
    'POST /upload-init',
    'POST /prove',
    'POST /delta-apply',
    'POST /finalize',
    'POST /save',
    'POST /download',
    'POST /delete',
  );

  test.each(calls)('of a call %s that is refused with %s', async (_route, code) => {
    const { sync } = await refusing(code);
    const steps = [{ do: 'deleteRemote', path: 'a', base_version: 1 } as const];
    const outcome = await deleteRemote(sync, steps).then(
      () => 'goes on',
      (error: ServiceError) => error.code,
    );
    const noted = {
      behind: sync.notices.behind,
      listed: sync.state.problems().length,
      waits: !sync.failures.mayTry('a'),
    };
    expect({ outcome, ...noted }).toEqual(
      {
        outdated: { outcome: 'goes on', behind: true, listed: 0, waits: false },
        wait: { outcome: 'goes on', behind: false, listed: 1, waits: true },
        tell: { outcome: 'goes on', behind: false, listed: 1, waits: true },
        ask: { outcome: 'goes on', behind: false, listed: 1, waits: true },
        end: { outcome: code, behind: false, listed: 0, waits: false },
      }[meaningOf(code)],
    );
  });

  test.each(codesOf('POST /move'))('of a rename (%s) that is refused with %s', async (_route, code) => {
    const { sync } = await refusing(code);
    const outcome = await moveRemote(sync, [{ do: 'moveRemote', from: 'a', to: 'b', base_version: 1 }]).then(
      () => 'goes on',
      (error: ServiceError) => error.code,
    );
    const isFinal = !['wait', 'end'].includes(meaningOf(code));
    expect([outcome, [...sync.unmovable]]).toEqual([
      meaningOf(code) === 'end' ? code : 'goes on',
      isFinal ? ['a', 'b'] : [],
    ]);
  });
});

describe('a call that concerns no path', () => {
  const calls = codesOf('GET /changes', 'GET /tree', 'GET /heal', 'POST /heal', 'POST /ticket');

  test.each(calls)('%s, refused with %s, is an outage or the end of the sign-in', (_route, code) => {
    expect(isOutage(refused(code))).toBe(meaningOf(code) !== 'end');
  });

  const entry = { path: 'd', kind: 'directory' as const, size: 0, mtime_ms: 0, mode: 0o755, version: 1, blocks: [] };
  const root = { hash: '0'.repeat(64), cursor: 7, entries: [{ name: 'd', entry, tree_hash: '1'.repeat(64) }] };
  let tree: Api['tree'];
  beforeEach(() => {
    tree = async () => ({ sent: 0, body: { ...root, entries: [] } });
  });

  test.each(codesOf('GET /changes'))('%s, refused with %s, has the tree read or is thrown', async (_route, code) => {
    const { sync } = await openFolder({ changes: refuse(code), tree: (...asked) => tree(...asked) });
    const outcome = await catchUp(sync).then(
      () => sync.state.cursor,
      (error: ServiceError) => error.code,
    );
    expect(outcome).toBe(code === 'cursor_gone' ? 7 : code);
  });

  test.each(codesOf('GET /tree'))(
    '%s of a directory, refused with %s, leaves it out or is thrown',
    async (_route, code) => {
      tree = async (_device, path) => (path === undefined ? { sent: 0, body: root } : await refuse(code)());
      const { sync } = await openFolder({ changes: refuse('cursor_gone'), tree });
      const outcome = await catchUp(sync).then(
        () => [...sync.state.trees.remote.keys()],
        (error: ServiceError) => error.code,
      );
      expect(outcome).toEqual(code === 'not_found' ? ['d'] : code);
    },
  );
});

describe('a call without an answer', () => {
  const calls = codesOf('POST /finalize', 'POST /delete', 'POST /move');

  test.each(calls)(
    '%s, refused with %s when it is repeated, is in doubt, waits, or ends the sync',
    async (route, code) => {
      const { sync } = await refusing(code);
      const files = [{ path: 'a', base_version: 1 }];
      const moves = [{ from: 'a', to: 'b', base_version: 1, identity: '' }];
      const items = [{ ...files[0]!, local: sync.state.trees.local.get('a')! }];
      const whats = {
        'POST /finalize': { call: 'finalize', items },
        'POST /delete': { call: 'remove', files },
        'POST /move': { call: 'move', moves },
      } as const;
      sync.state.noteIntent({ id: route, device_id: device.id, ...whats[route as keyof typeof whats] });
      const doubtful = await settleIntents(sync).then(
        (intents) => intents.length,
        (error: ServiceError) => error.code,
      );
      const isNoted = sync.state.intents.length === 1;
      const meaning = meaningOf(code);
      expect([doubtful, isNoted, sync.failures.mayTry('a')]).toEqual(
        meaning === 'end' ? [code, true, true] : meaning === 'wait' ? [0, true, false] : [1, true, true],
      );
    },
  );
});
