import type { Mutation } from './mutation.ts';

/** Mistakes in how a device follows renames. */
export const ofRenames: readonly Mutation[] = [
  {
    mistake: 'a file is renamed without a look at it',
    file: 'client/steps/local.ts',
    replace: '  if (isLeaf(entry)) demandUnchanged(source, entry.hint);\n',
    by: '',
    noticedBy: 'client/steps/local: is looked at before the file gets another name',
    breaks: /I15: a file that was edited/,
  },

  {
    mistake: 'a file that was renamed counts as it was known, whatever it holds by then',
    file: 'client/disk/rename.ts',
    replace: ' && sameBytes(entry, stats)',
    by: '',
    noticedBy: 'client/steps/local: is not taken along as what was known, nor one at the moment of the rename',
    breaks: /I15: an edit that no look will find/,
  },

  {
    mistake: 'a file is renamed over another one',
    file: 'client/steps/local.ts',
    replace: '  demandUnchanged(target, undefined);\n',
    by: '',
    noticedBy: 'client/steps/local: at the target is not renamed over',
    breaks: /I15: a file that appeared/,
  },

  {
    mistake: 'a folder that was renamed elsewhere is renamed here, though a part of it is left out under the new name',
    file: 'client/plan/folder-moves.ts',
    replace: '  for (const from of mixed(trees, chosen, options)) chosen.delete(from);\n',
    by: '',
    noticedBy:
      'client/folder-names: a folder that cannot get its new name together with what is not synced in it follows file by file',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'a folder is renamed, though another one lies in its place',
    file: 'client/steps/local.ts',
    replace: "  if (entry.kind === 'directory') await demandSameDirectory(source, entry);\n",
    by: '',
    noticedBy: 'client/steps/local: a folder in whose place another one lies is not renamed',
    breaks: /promise resolved/,
  },

  {
    mistake: 'of what was agreed on in a folder that is renamed here, what another device renamed is forgotten',
    file: 'client/steps/rebase.ts',
    replace: "    state.set('synced', now, synced.get(path)!);\n",
    by: '',
    noticedBy: 'client/folder-names: what another device renamed in a folder that is renamed here is followed there',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'what another device renamed in a folder is followed there only if the folder keeps its next name',
    file: 'client/steps/rebase.ts',
    replace: 'if (origins.has(path)) ',
    by: 'if (path === "") ',
    noticedBy:
      'client/folder-names: what another device renamed in a folder is followed there though the folder is renamed here again before it could be',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'a folder of this device that was emptied by renames of another one is uploaded, empty',
    file: 'client/plan/plan.ts',
    replace: '    for (const path of above.filter((path) => isOurs(path) && !remote.has(path))) emptied.add(path);\n',
    by: '',
    noticedBy:
      'client/folder-names: a folder whose name was refused goes with all that is in it when another device gives that another folder',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'a folder that may turn up under another name is made again for what arrives in it',
    file: 'client/plan/unsettled.ts',
    replace: '    if (arrives && [path, ...above].some(unsettled)) byPath.delete(key);\n',
    by: '',
    noticedBy:
      'client/folder-names: nothing is made again, or arrives, in a folder that may turn up under another name',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'a folder of which half was seen under its new name is made anew there',
    file: 'client/plan/unsettled.ts',
    replace: '    if (here && halfSeen.has(here.identity)) waiting.add(path);\n',
    by: '',
    noticedBy: 'client/folder-names: a folder is renamed once all that is in it was seen under the new name',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'where a file still lies is forgotten when the rename of what is around it is read again',
    file: 'client/steps/catch-up.ts',
    replace: 'origin = known ?? before ?? change.moved_from;',
    by: 'origin = before ?? change.moved_from;',
    noticedBy:
      'client/steps/catch-up: a rename of this device that is read again leaves it known where a file still lies on this disk',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'of the rename of a folder what has not failed yet is sent without the rest',
    file: 'client/engine/round.ts',
    replace: '(group.every(isReady) ? [] : group)',
    by: '[]',
    noticedBy: 'client/round: a directory that is renamed and all that is in it wait for each other',
    breaks: /no answer/,
  },
];
