import type { Mutation } from './mutation.ts';

/** Mistakes in how the client moves content. */
export const ofTransfers: readonly Mutation[] = [
  {
    mistake: 'what was fetched takes its place, whatever is there by then',
    file: 'client/steps/download.ts',
    replace: 'const expected = sync.state.trees.local.get(path)?.hint;',
    by: 'const expected = await lstat(diskPath(sync.root, path), { bigint: true }).then(hintOf, () => undefined);',
    noticedBy: 'client/transfers: down does not replace what the user wrote meanwhile',
    breaks: /I16: a file that no look had found/,
  },
  {
    mistake: 'all content goes in one lane',
    file: 'client/engine/lanes.ts',
    replace: 'lanes.findIndex(({ most }) => bytes <= most)',
    by: 'lanes.findIndex(({ most }) => most > bytes + 1e9)',
    noticedBy: 'client/lanes: a note waits for no photograph, and that for no film; each lane has a channel of its own',
    breaks: /note/,
  },
  {
    mistake: 'what came of a block that broke off is thrown away',
    file: 'client/service/fetch-bytes.ts',
    replace: 'headers: from > 0 ? { range:',
    by: 'headers: from < 0 ? { range:',
    noticedBy: 'client/transport: that broke off goes on from there',
    breaks: /other side closed/,
  },
  {
    mistake: 'a store that refuses is asked again at once',
    file: 'client/service/gate.ts',
    replace: 'if (this.#refusal && (this.#isTrying || after > 0)) {',
    by: 'if (this.#refusal && this.#isTrying) {',
    noticedBy: 'client/gate: a store that refuses everything is asked once, and then less and less often',
    breaks: /31/,
  },
  {
    mistake: 'a transfer ends at its limit, though something moves',
    file: 'client/service/fetch-bytes.ts',
    replace: '      limit.moved();\n      if (goesOn',
    by: '      if (goesOn',
    noticedBy: 'client/transport: that is slow goes on for as long as it takes',
    breaks: /not yet/,
  },
  {
    mistake: 'what moved under another name is deleted before it is there',
    file: 'client/engine/put-off.ts',
    replace: '  for (const entry of moving) note(entry);\n',
    by: '',
    noticedBy:
      'client/put-off: a deletion waits for its content under another name, and the folders around it wait with it',
    breaks: /a\/b\/old/,
  },
  {
    mistake: 'a small file goes before the folder that it is in',
    file: 'client/steps/save.ts',
    replace: 'others.has(above) || isOnItsWay(above)',
    by: 'others.has(above)',
    noticedBy: 'client/steps/save: what is in a directory that is still on its way waits for it',
    breaks: /to deeply equal \[ 'd\/note' \]/,
  },
  {
    mistake: 'what the service has no room for is brought again with every call',
    file: 'client/steps/save.ts',
    replace: 'contents.length > 0)) sync.saves.close();',
    by: 'contents.length > 0)) void sync.saves;',
    noticedBy:
      'client/steps/save: what the service does not keep goes the other way under the same id, and so does all that comes after',
    breaks: /to deeply equal \[ 'c' \]/,
  },
];
