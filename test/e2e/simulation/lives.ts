import { type Edit, LONG_SECONDS, type Run, type Scenario, type Step } from './scenario.ts';

const edit = (path: string, kilobytes = 0): Edit => ({ do: 'write', path, kilobytes });
const write = (who: number, path: string, kilobytes = 0): Step => ({ do: 'edit', who, edits: [edit(path, kilobytes)] });
const remove = (who: number, path: string): Step => ({ do: 'edit', who, edits: [{ do: 'remove', path }] });
const sync = (...runs: Run[]): Step => ({ do: 'sync', runs });

/** When a device has looked at its folder, and is about to do there what others did. */
const onceReadChanges = (...edits: Edit[]): Run['meanwhile'] => ({
  ...{ way: 'api', route: 'GET /changes', nth: 1, when: 'answered' },
  edits,
});

/** Lives that are always played, since few that are drawn at random have what each is of. */
export const lives: readonly (readonly [string, Scenario])[] = [
  [
    'a disk that writes half of each small file',
    {
      devices: 2,
      steps: [
        ...[write(1, 'a'), write(1, 'b/a', 1), write(1, 'b/b', 40), sync({ who: 1 })],
        sync({ who: 0, disk: { call: 'write', nth: 1, error: 'short', times: null, where: 'files' } }),
      ],
    },
  ],
  [
    'a disk on which no file gets its place',
    {
      devices: 2,
      steps: [
        ...[write(1, 'a'), write(1, 'b', 300), sync({ who: 1 }), sync({ who: 0 })],
        ...[write(1, 'a'), write(1, 'b', 300), sync({ who: 1 })],
        sync({ who: 0, disk: { call: 'rename', nth: 1, error: 'EIO', times: null, where: 'files' } }),
      ],
    },
  ],
  [
    'a file that is edited while another edit of it arrives',
    {
      devices: 2,
      steps: [
        ...[write(1, 'a'), write(1, 'b', 300), sync({ who: 1 }), sync({ who: 0 })],
        ...[write(1, 'a'), write(1, 'b', 300), sync({ who: 1 })],
        sync({ who: 0, meanwhile: onceReadChanges(edit('a'), edit('b', 300)) }),
      ],
    },
  ],
  [
    'a file that is edited while its deletion arrives',
    {
      devices: 2,
      steps: [
        ...[write(1, 'a'), write(1, 'b/a', 40), write(1, 'c'), sync({ who: 1 }), sync({ who: 0 })],
        ...[remove(1, 'a'), remove(1, 'b'), sync({ who: 1 })],
        sync({ who: 0, meanwhile: onceReadChanges(edit('a'), edit('b/a', 40)) }),
      ],
    },
  ],
  [
    'a file that is saved while nothing is heard of the folder',
    {
      devices: 2,
      steps: [
        ...[sync({ who: 1 }), { do: 'keep' as const, who: 1 }],
        sync({ who: 1, stays: { seconds: LONG_SECONDS, edits: [edit('a')], hears: 'nothing' } }),
        { do: 'bring back', who: 1 },
      ],
    },
  ],
  [
    'a call that gets no answer',
    {
      devices: 2,
      steps: [
        write(0, 'a'),
        sync({ who: 0, network: { way: 'api', route: 'POST /save', fate: 'gets no answer', isGone: false } }),
      ],
    },
  ],
];
