import type { Run, Scenario, Step } from './scenario.ts';

const write = (who: number, path: string, kilobytes = 0): Step => ({
  do: 'edit',
  who,
  edits: [{ do: 'write', path, kilobytes }],
});
const sync = (...runs: Run[]): Step => ({ do: 'sync', runs });

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
];
