import type { Mutation } from './mutation.ts';

/** Mistakes in what the client does with the folder, and with what the service tells it. */
export const ofClient: readonly Mutation[] = [
  {
    mistake: 'a file is deleted without a look at it',
    file: 'client/disk/remove.ts',
    replace: '  demandUnchanged(place, entry.hint);\n',
    by: '',
    noticedBy: 'client/steps/local: is not deleted',
    breaks: /I15: an edited file/,
  },

  {
    mistake: 'a deletion counts whose name could not be flushed',
    file: 'client/disk/remove.ts',
    replace: "return flush?.status === 'rejected' ? flush : result;",
    by: 'return result;',
    noticedBy:
      'client/steps/delete-local: what could not be flushed is not agreed on, nor what was in a directory that went',
    breaks: /I15: would come back/,
  },

  {
    mistake: 'a symbolic link travels that leads out of the folder',
    file: 'client/disk/links.ts',
    replace: 'else if (names.pop() === undefined) return neverSynced.linkOut;',
    by: 'else names.pop();',
    noticedBy:
      'client/scan: symbolic links are seen as what they say, never followed, and left out where that leads out of the folder',
    breaks: /(docs directory).*to deeply equal/,
  },
  {
    mistake: 'a rename counts as having brought the edit that came with it',
    file: 'client/steps/local.ts',
    replace: "state.set('synced', to, { ...synced, version, identity: moved.identity });",
    by: "state.set('synced', to, { ...remote, identity: moved.identity });",
    noticedBy:
      'client/steps/local: a file that was renamed and edited elsewhere is still to be downloaded after the rename',
    breaks: /I14: what both sides had/,
  },

  {
    mistake: 'what is inside a folder that was set aside stays where it was',
    file: 'client/steps/local.ts',
    replace: "        state.set('local', target, below);\n",
    by: "        state.set('local', inside, below);\n",
    noticedBy: 'client/steps/local: leaves the copy, with all that is in it, as new files to upload',
    breaks: /I15: the copy/,
  },

  {
    mistake: 'a folder that stays for what is not synced counts as new',
    file: 'client/steps/delete-local.ts',
    replace: "    state.set('local', path, { ...entry, leftover: !isThere });\n",
    by: '',
    noticedBy: 'client/steps/local: a folder that still holds what is not synced stays, and is no longer the service’s',
    breaks: /I15: a folder that stays/,
  },

  {
    mistake: 'a folder that was made on the way to a file goes with the last of its files, though the service has it',
    file: 'client/steps/adopt.ts',
    replace: "    if (local.leftover && !synced.has(path)) state.set('local', path, withoutMark(local));\n",
    by: '',
    noticedBy:
      'client/steps/adopt: a directory that was made on the way to a file is here for itself once the service tells of it',
    breaks: /I15: a folder that somebody made/,
  },

  {
    mistake: 'what the disk holds by now counts as uploaded',
    file: 'client/steps/take-over.ts',
    replace: 'blocks, mtime_ms } = offered;',
    by: 'blocks, mtime_ms } = local.get(path)!;',
    noticedBy: 'client/steps/upload: an edit during an upload is not taken for what was uploaded',
    breaks: /I15: what the service got/,
  },

  {
    mistake: 'what the service refused to delete counts as deleted',
    file: 'client/steps/remote.ts',
    replace: 'for (const { path, error } of refused) sync.failures.fail(path, error.code, error.message);',
    by: 'for (const { path } of refused) sync.state.remove("remote", path);',
    noticedBy: 'client/steps/remote: to delete leaves what was known',
    breaks: /I14: what the service still has/,
  },

  {
    mistake: 'a move that was refused is tried again as a move',
    file: 'client/steps/remote.ts',
    replace: '    unmovable.add(path);\n',
    by: '',
    noticedBy: 'client/steps/remote: to move makes it a new file and a deletion',
    breaks: /I14: a move that is tried for ever/,
  },

  {
    mistake: 'a call is sent before it is written down',
    file: 'client/steps/commit.ts',
    replace:
      '  sync.state.noteIntent(intent);\n  return await sync.cursors.during(sync, async () => {\n    try {\n      const { body, sent } = await send(intent);\n',
    by: '  return await sync.cursors.during(sync, async () => {\n    try {\n      const { body, sent } = await send(intent);\n      sync.state.noteIntent(intent);\n',
    noticedBy: 'client/steps/commit: is on the disk before it is sent, and is forgotten with its answer',
    breaks: /I50: a call that nobody could repeat/,
  },

  {
    mistake: 'a call at which the service broke counts as refused',
    file: 'client/steps/refusals.ts',
    replace: "meanings[code] !== 'wait' && meanings[code] !== 'end'",
    by: "meanings[code] !== 'end'",
    noticedBy:
      'client/refusals: POST /finalize, refused with internal when it is repeated, is in doubt, waits, or ends the sync',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'what this device committed is its own, whatever it is',
    file: 'client/steps/take-over.ts',
    replace: 'const isIt = item && same(item.local, entry) && item.local.mtime_ms === entry.mtime_ms;',
    by: 'const isIt = item !== undefined;',
    noticedBy:
      'client/steps/commit: that the service knows no more is found in the changes, where they tell of another content, as a restore brings it',
    breaks: /I50: what both sides had/,
  },

  {
    mistake: 'an answer that comes late takes what was read since back',
    file: 'client/steps/take-over.ts',
    replace: "if (!isRead) state.set('remote', path, entry);",
    by: "state.set('remote', path, entry);",
    noticedBy: 'client/steps/commit: whose answer comes after later changes were read leaves those',
    breaks: /I50: what came later/,
  },

  {
    mistake: 'the cursor passes over the changes of others',
    file: 'client/steps/cursor.ts',
    replace: 'if (early > cursor + 1) break;',
    by: '',
    noticedBy: 'client/steps/catch-up: does not pass over what another device did in between',
    breaks: /I14: a change that is never read/,
  },

  {
    mistake: 'a folder that another device renamed takes along what only this device has in it',
    file: 'client/steps/whole-folder.ts',
    replace: 'inside.length !== entries || ',
    by: '',
    noticedBy: 'client/steps/whole-folder: is followed by its entries one by one where this device has more in it',
    breaks: /I14: what moved without this device/,
  },

  {
    mistake: 'a device takes the changes of another timeline for a continuation',
    file: 'client/steps/reread-tree.ts',
    replace: 'known !== undefined && timeline !== known',
    by: 'known !== undefined && timeline === undefined',
    noticedBy:
      'client/steps/set-back: a service that was set back and has come past the cursor since is merged with, not followed',
    breaks: /I48: /,
  },

  {
    mistake: 'the tree has the cursor of its last page',
    file: 'client/steps/reread-tree.ts',
    replace: 'first ??= {',
    by: 'first = {',
    noticedBy: 'client/steps/catch-up: of a tree that changes while it is read is that of its first page',
    breaks: /I14: changes during the read/,
  },

  {
    mistake: 'a downloaded block is not compared with its hash',
    file: 'client/steps/fetch-blocks.ts',
    replace: 'if (toHex(await sha256(arrived.bytes())) === hash) return',
    by: 'if (hash !== "") return',
    noticedBy: 'client/steps/download: that arrives damaged replaces nothing',
    breaks: /I16: /,
  },

  {
    mistake: 'a block of another file is not compared with its hash',
    file: 'client/steps/folder-blocks.ts',
    replace: 'if (bytes.length !== place.size || actual !== hash) throw',
    by: 'if (bytes.length !== place.size) throw',
    noticedBy: 'client/steps/download: takes nothing from a file that changed since it was looked at',
    breaks: /I16: a block of a file that changed/,
  },

  {
    mistake: 'what is overtaken is offered without a copy',
    file: 'client/engine/restless-files.ts',
    replace: 'if (!this.#isOvertaken(path)) return undefined;',
    by: 'return undefined;',
    noticedBy:
      'client/restless-files: a file that is written again each time before it is sent arrives as it was when it was read',
    breaks: /I57: what was overtaken waits/,
  },

  {
    mistake: 'a cached block is not compared with its hash',
    file: 'client/disk/block-cache.ts',
    replace: 'if (!bytes || toHex(await sha256(bytes)) !== hash) {',
    by: 'if (!bytes) {',
    noticedBy: 'client/disk: never hands out a damaged block',
    breaks: /to be undefined/,
  },

  {
    mistake: 'a download counts before it is in place',
    file: 'client/steps/download.ts',
    replace: '  const placed = await putInPlace(',
    by: "  agree(sync, files.map((file) => ({ ...file, disk: { mode: 0o644, identity: '', hint: '' } })));\n  const placed = await putInPlace(",
    noticedBy: 'client/steps/download: is agreed on only when it is in place',
    breaks: /I14: a version that this disk does not have/,
  },

  {
    mistake: 'an answer of a proxy is taken for one of the service',
    file: 'client/service/errors.ts',
    replace:
      "  return isPassing(status) ? new Unreachable(words, { after }) : notOurs('the service', { status, text });",
    by: "  return isPassing(status) ? new Unreachable(words, { after }) : new ServiceError('unauthorized', status, words);",
    noticedBy: 'client/answers: names what answered in place of the service',
    breaks: /instance of Unreachable/,
  },

  {
    mistake: 'a commit says nothing of the timeline of its base versions',
    file: 'client/steps/commit.ts',
    replace: 'const { id, device_id, timeline } = intent;',
    by: 'const { id, device_id, timeline } = { ...intent, timeline: undefined };',
    noticedBy:
      'client/steps/commit: says in which timeline its base versions are known, and says the same when it is repeated',
    breaks: /I62: /,
  },

  {
    mistake: 'the throttle of the sign-in service ends the sign-in',
    file: 'client/service/cognito.ts',
    replace: 'final ? final.includes(name) : !passing.includes(name)',
    by: 'true',
    noticedBy: 'client/answers: does not end with the throttle, which is a 400',
    breaks: /instance of Unreachable/,
  },

  {
    mistake: 'nobody asks whether a connection answers',
    file: 'client/service/heartbeat.ts',
    replace: '      this.#after(SILENT_MS - LATE_MS, this.#options.onDead);\n',
    by: '',
    noticedBy: 'client/heartbeat: that does not answer is late after three seconds, and dead after eight',
    breaks: /dead 14/,
  },

  {
    mistake: 'a new request may take a connection that is dead',
    file: 'client/service/connections.ts',
    replace: '    this.#pool = this.#newPool();\n    void before.close();\n',
    by: '    void before;\n',
    noticedBy:
      'client/connections: where connections may be dead, what begins takes a new one, and what is under way goes on',
    breaks: /to not include/,
  },

  {
    mistake: 'a machine that slept trusts the connections from before',
    file: 'client/service/network-watch.ts',
    replace: '1000 * since > EVERY_MS + SLEPT_MS',
    by: 'false',
    noticedBy: 'client/heartbeat: may be another one after the machine slept, whatever the clock says',
    breaks: /expected \+?0 to be 1/,
  },

  {
    mistake: 'an outage is noted only once it has lasted',
    file: 'client/engine/contact.ts',
    replace: '    this.#options.bulletin.note({ offline: { since: Date.now(), message: failure.message } });\n',
    by: '',
    noticedBy: 'client/present: is noted as away with the first attempt that fails, and told when that lasts',
    breaks: /expected undefined to deeply equal/,
  },
];
