import type { Mutation } from './mutation.ts';

/** Mistakes in what the client decides to do. */
export const ofThePlan: readonly Mutation[] = [
  {
    mistake: 'a conflict is resolved by a download over the edit',
    file: 'client/plan/plan.ts',
    replace: "if (!sameContent(remote, synced)) return { do: 'setAside', path, to: options.conflictPath(path) };",
    by: "if (!sameContent(remote, synced)) return { do: 'download', path };",
    noticedBy: 'client/plan: no content that a user wrote is lost',
    breaks: /Property failed/,
  },

  {
    mistake: 'a deletion wins over an edit',
    file: 'client/plan/plan.ts',
    replace: 'if (remoteChanged || s?.lapsed) return',
    by: 'if (s?.lapsed) return',
    noticedBy: 'client/plan: no content that a user wrote is lost',
    breaks: /Property failed/,
  },

  {
    mistake: 'what vanished under a rule is deleted when the rule goes',
    file: 'client/plan/plan.ts',
    replace: 'if (remoteChanged || s?.lapsed) return',
    by: 'if (remoteChanged) return',
    noticedBy: 'client/plan: what a rule left out since is never deleted, on either side, and its edits are found',
    breaks: /deleteRemote/,
  },

  {
    mistake: 'a folder that stays for what is not synced keeps those around it',
    file: 'client/plan/plan.ts',
    replace: '!leaving.has(path) && !ignore(path) && ',
    by: '!leaving.has(path) && ',
    noticedBy: 'client/plan: a deleted folder goes though folders in it stay for what is not synced, at any depth',
    breaks: /deleteLocal/,
  },

  {
    mistake: 'a folder moves before what is in it can follow',
    file: 'client/plan/moves.ts',
    replace: 'moves <= limits.movesPerCall',
    by: 'moves > 0',
    noticedBy: 'client/plan: a directory with more than one call can hold is made anew, and goes when it is empty',
    breaks: /upload/,
  },

  {
    mistake: 'a conflict copy of a run that was cut off is taken for a rename',
    file: 'client/plan/moves.ts',
    replace: 'if (isConflictCopy(to) && !isConflictCopy(from)) return;',
    by: '',
    noticedBy: 'client/plan: a copy that was set aside is no rename, also where nobody wrote down that it was',
    breaks: /I15: the name that both sides had/,
  },

  {
    mistake: 'what was on its way into a folder that is renamed here stays under its old name',
    file: 'client/plan/moves.ts',
    replace: '[...moves, ...followers(trees, byPath, moves)]',
    by: 'moves',
    noticedBy:
      'client/folder-names: what was still to arrive in a folder that is renamed here goes along, and so does what lies here under an older name',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'a folder that comes back for what is in it stays for good',
    file: 'client/plan/plan.ts',
    replace: '  removeEmptied(trees, byPath, paths);\n',
    by: '',
    noticedBy: 'client/folder-names: a folder that comes back for what is in it goes with the last of that',
    breaks: /to deeply equal/,
  },
];
