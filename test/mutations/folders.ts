import type { Mutation } from './mutation.ts';

/** Mistakes in how a device follows the rename of a folder. */
export const ofFolders: readonly Mutation[] = [
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
];
