import type { Ground, Suite } from '../suite.ts';

/** Random writes with a checksum in every block; fio verifies them at the other device. */
export const fio: Suite = {
  name: 'fio',
  program: 'fio',
  async work(ground) {
    const said = await ground.run(wordsFor(ground, ground.here, ['--do_verify=0']));
    return { did: /WRITE:.*io=([^,]*?),/.exec(said)?.[1] ?? 'written' };
  },
  async check(ground) {
    return ground.run(wordsFor(ground, ground.there, ['--verify_only=1'])).then(
      () => [],
      (error: Error) => [error.message],
    );
  },
};

/** The same job, so that what is verified is what was written. */
function wordsFor({ seconds }: Ground, folder: string, more: readonly string[]): string[] {
  const size = Math.max(8, 4 * seconds);
  const job = ['--name=torture', `--directory=${folder}`, '--rw=randwrite', '--bsrange=512-128k', '--bs_unaligned=0'];
  const files = [
    '--nrfiles=8',
    `--size=${size}M`,
    '--ioengine=psync',
    '--rate=8M',
    '--randrepeat=1',
    '--norandommap=0',
  ];
  return ['fio', ...job, ...files, '--verify=crc32c', '--verify_fatal=1', '--verify_state_save=0', ...more];
}
