import type { Suite } from '../suite.ts';

/** What works on files and leaves other things of the machine alone. */
const stressors = [
  ...['chmod', 'copy-file', 'dentry', 'dir', 'dirdeep', 'fallocate', 'fpunch', 'hdd', 'iomix', 'link'],
  ...['readahead', 'rename', 'revio', 'seek', 'sync-file', 'symlink', 'touch', 'utime', 'xattr'],
];

/** The stressors of stress-ng for file systems, one after the other. */
export const stressNg: Suite = {
  name: 'stress-ng',
  program: 'stress-ng',
  async work(ground) {
    const each = Math.max(1, Math.round(ground.seconds / stressors.length));
    const found: string[] = [];
    for (const stressor of stressors) {
      const bounds = [
        '--temp-path',
        ground.here,
        '--timeout',
        `${each}s`,
        '--hdd-bytes',
        '32M',
        '--iomix-bytes',
        '32M',
      ];
      await ground
        .run(['stress-ng', ...bounds, `--${stressor}`, '1'])
        .catch((error: Error) => found.push(error.message));
    }
    return { did: `${stressors.length} stressors, ${each} s each`, found };
  },
};
