import type { Mutation } from './mutation.ts';

/** Mistakes in how an edited file is cut, and content compared that is cut otherwise. */
export const ofCuts: readonly Mutation[] = [
  {
    mistake: 'what an edited file has of its old version is not looked at by its hash',
    file: 'client/disk/hash-edited.ts',
    replace: '    return this.#edited.hashAt(rangeOf(block, shift)) === block.hash;\n',
    by: '    return this.#edited.hashAt(rangeOf(block, shift)) !== undefined;\n',
    noticedBy: 'client/hash-edited: between edits old blocks are found where their content is at hand',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'short pieces of an edited file stay beside others',
    file: 'codec/cut.ts',
    replace: '  joinCrumbs(ranges);\n',
    by: '',
    noticedBy: 'codec/cut: a file is cut whole, crumbs join, and blocks that are none stay as they are',
    breaks: /Property failed/,
  },

  {
    mistake: 'a file is compared by other cuts as it was, though it changed since',
    file: 'client/steps/other-cuts.ts',
    replace: '      notices.lookAgain(path);\n',
    by: '',
    noticedBy:
      'client/steps/other-cuts: a file that changed since it was looked at, or is gone, is left to the next look',
    breaks: /to deeply equal/,
  },

  {
    mistake: 'content that was compared by other cuts is read again for every plan',
    file: 'client/steps/other-cuts.ts',
    replace: '    else this.#note(here.blocks, blocks);\n',
    by: '',
    noticedBy:
      'client/steps/other-cuts: another content stays another, and is read once for all plans; one of other cuts or sizes is not read',
    breaks: /to deeply equal/,
  },
];
