import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ground, Suite } from '../suite.ts';

const FILES = 40;

/** Commits, branches, rebases and collects in a repository; `git fsck` and an equal history at the other device. */
export const git: Suite = {
  name: 'git',
  program: 'git',
  async work(ground) {
    const on = gitIn(ground, ground.here);
    await on('init', '--quiet', '--initial-branch', 'main');
    await commit(ground, 'first', 0, 0);
    const end = performance.now() + 1000 * ground.seconds;
    let commits = 0;
    for (let round = 0; round === 0 || performance.now() < end; round++) {
      await on('checkout', '--quiet', '-b', `topic-${round}`);
      await commit(ground, `topic ${round}`, round, FILES / 2);
      await on('checkout', '--quiet', 'main');
      await commit(ground, `main ${round}`, round, 0);
      await on('rebase', '--quiet', 'main', `topic-${round}`);
      await on('checkout', '--quiet', 'main');
      await on('merge', '--quiet', '--no-ff', '-m', `merge ${round}`, `topic-${round}`);
      if (round % 3 === 2) await on('gc', '--quiet', '--prune=now');
      commits += 3;
    }
    return { did: `${commits} commits` };
  },
  async check(ground) {
    const [here, there] = [gitIn(ground, ground.here), gitIn(ground, ground.there)];
    const found: string[] = await there('fsck', '--full', '--strict').then(
      () => [],
      (error: Error) => [error.message],
    );
    for (const words of [
      ['log', '--all', '--format=%H'],
      ['status', '--porcelain'],
    ]) {
      if ((await here(...words)) !== (await there(...words))) found.push(`git ${words[0]} says something else there`);
    }
    return found;
  },
};

function gitIn(ground: Ground, cwd: string): (...words: readonly string[]) => Promise<string> {
  const who = ['-c', 'user.name=torture', '-c', 'user.email=torture@tidemark.example', '-c', 'gc.auto=0'];
  return (...words) => ground.run(['git', ...who, ...words], cwd);
}

/** Writes some files anew and commits them. */
async function commit(ground: Ground, message: string, round: number, first: number): Promise<void> {
  await mkdir(join(ground.here, 'src'), { recursive: true });
  for (let nth = first; nth < first + FILES / 2; nth++) {
    await writeFile(
      join(ground.here, 'src', `file ${nth}`),
      `${message}, line of ${nth}\n`.repeat(20 + ((nth * round) % 200)),
    );
  }
  const on = gitIn(ground, ground.here);
  await on('add', '--all');
  await on('commit', '--quiet', '-m', message);
}
