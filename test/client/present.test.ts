import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { Contact } from '../../client/engine/contact.ts';
import { News } from '../../client/engine/news.ts';
import { ServiceError, Unreachable } from '../../client/service/errors.ts';
import { Bulletin, readBulletin } from '../../client/state/bulletin.ts';
import { State } from '../../client/state/state.ts';
import type { SyncEvent } from '../../protocol/output/sync-event.ts';
import { temporaryFolder } from './folder.ts';

/* What a running sync says of the present. */

let root: string;
let bulletin: Bulletin;
let events: SyncEvent[];

beforeEach(async () => {
  root = await temporaryFolder();
  new State(root).close();
  bulletin = new Bulletin(root);
  events = [];
});
afterEach(() => vi.useRealTimers());

const away = new Unreachable('no answer');

describe('the service', () => {
  let contact: Contact;
  const names = (): string[] => events.map(({ event }) => event);
  const offline = () => readBulletin(root).offline;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    contact = new Contact({ report: (event) => events.push(event), bulletin, once: false });
    onTestFinished(() => contact.close());
  });

  test('is noted as away with the first attempt that fails, and told when that lasts', () => {
    const since = Date.now();
    contact.attempted(away);
    expect(offline()).toEqual({ since, message: 'no answer' });
    expect(names()).toEqual([]);
    vi.advanceTimersByTime(8000);
    contact.attempted(away);
    expect(offline()).toEqual({ since, message: 'no answer' });
    expect(events).toEqual([{ event: 'offline', message: 'no answer' }]);
  });

  test('is back with the next attempt that is answered, of which nothing is told that was not told before', () => {
    contact.isThere();
    contact.attempted(away);
    contact.attempted(undefined);
    expect(offline()).toBeUndefined();
    vi.advanceTimersByTime(60_000);
    expect(names()).toEqual(['online']);
  });

  test('is away while some calls fail, though others are answered', () => {
    expect(contact.waitFor(away)).toBeLessThanOrEqual(500);
    contact.attempted(undefined);
    expect(offline()).toBeDefined();
    vi.advanceTimersByTime(10_001);
    contact.attempted(undefined);
    expect([offline(), ...names()]).toEqual([undefined, 'offline', 'online']);
  });

  test('is left alone as long as it asks', () => {
    expect(contact.waitFor(new Unreachable('busy', { after: 90_000 }))).toBe(90_000);
  });

  test('is not away when it has ended the session', () => {
    expect(contact.waitFor(new ServiceError('device_revoked', 403, 'no'))).toBeUndefined();
    expect(offline()).toBeUndefined();
  });
});

test('trouble and long transfers are noted while they last', () => {
  const news = new News((event) => events.push(event), bulletin);
  news.report({ event: 'error', code: 'local', message: 'the disk is full' });
  news.report({ event: 'progress', path: 'film', bytes: 1, file_bytes: 9, side: 'local' });
  expect(readBulletin(root)).toMatchObject({
    trouble: { message: 'the disk is full' },
    transfers: [{ path: 'film', bytes: 1, file_bytes: 9 }],
  });
  news.noTrouble();
  news.report({ event: 'downloaded', path: 'film', version: 1, at: 0, file_bytes: 9, content_bytes: 9 });
  expect(readBulletin(root)).toEqual({ transfers: [] });
  expect(events).toHaveLength(3);
});

test('all that moves together is noted while something does', () => {
  const news = new News((event) => events.push(event), bulletin);
  news.report({ event: 'transfers', files: 2, bytes: 10 });
  news.report({ event: 'downloaded', path: 'film', version: 1, at: 0, file_bytes: 9, content_bytes: 9 });
  news.report({ event: 'progress', path: 'song', bytes: 0, file_bytes: 1, side: 'local' });
  news.report({ event: 'downloaded', path: 'song', version: 1, at: 0, file_bytes: 1, content_bytes: 1 });
  expect(readBulletin(root).moving).toBeUndefined();
  news.report({ event: 'transfers', files: 1, bytes: 10 });
  expect(readBulletin(root).moving).toEqual({ bytes: 0, of: 10 });
});

test('a transfer that was given up is not said to move', () => {
  const news = new News((event) => events.push(event), bulletin);
  for (const path of ['film', 'song']) news.report({ event: 'progress', path, bytes: 1, file_bytes: 9, side: 'local' });
  news.stillMoving((path) => path === 'song');
  expect(readBulletin(root)).toMatchObject({ transfers: [{ path: 'song' }] });
});

test('what is said takes no more room than it had from the beginning, and is gone with who said it', async () => {
  const place = join(root, '.tidemark/bulletin.json');
  const { length } = await readFile(place);
  for (const message of ['long '.repeat(999), 'short']) {
    bulletin.note({ trouble: { since: 1, message } });
    expect((await readFile(place)).length).toBe(length);
    expect(readBulletin(root).trouble?.message).toBe(message);
  }
  bulletin.close();
  expect(readBulletin(root)).toEqual({});
  await rm(place);
  expect(readBulletin(root)).toEqual({});
});
