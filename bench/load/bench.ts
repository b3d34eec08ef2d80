import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { scratch } from '../../test/support/scratch.ts';
import { assemblyOf } from '../../test/support/synthesis.ts';
import { signIn, User } from '../../test/support/user.ts';
import { numberOption } from '../number-option.ts';
import { PASSWORD } from '../sync/tools/cloud-messages.ts';
import { onGround } from '../sync/tools/ground.ts';
import { type CloudProcess, startCloudProcess } from '../sync/tools/local-cloud.ts';
import { arrive } from './arrivals.ts';
import { Caller, kinds } from './caller.ts';
import { type Metered, meter } from './meter.ts';
import { asText, type Kind, type Load } from './report.ts';

const USERS = 20;
const CALLS = 200;
const RATE = 20;
const SECONDS = 30;
/** Of each kind, before anything is measured: functions start for the first ones. */
const WARM_UP = 10;

export const usage = `usage: npm run bench -- load [--calls N] [--rate N] [--seconds N] [--json]

  --calls N     calls of each kind, one after the other (default: ${CALLS})
  --rate N      then requests a second, three downloads to a save, whether or not earlier ones are answered
                (default: ${RATE})
  --seconds N   for so long (default: ${SECONDS})`;

/** What requests cost the service, each kind alone, and how soon they are answered when they come at a rate. */
export async function run({ json, words }: { json: boolean; words: readonly string[] }): Promise<void> {
  const calls = numberOption(words, '--calls', CALLS);
  const rate = numberOption(words, '--rate', RATE);
  const seconds = numberOption(words, '--seconds', SECONDS);
  const load = await onGround({ folder: await scratch('tidemark-bench-') }, async (ground): Promise<Load> => {
    const cloud = await startCloudProcess(await assemblyOf({ profile: 'team' }), ground);
    setDefaultCACertificates([...getCACertificates('default'), await readFile(cloud.ca, 'utf8')]);
    const callers: Caller[] = [];
    while (callers.length < USERS) callers.push(await Caller.open(await signUp(cloud)));
    return {
      rate,
      alone: await measureAlone(cloud, callers, calls),
      mix: await measureMix(cloud, callers, { rate, seconds }),
    };
  });
  console.log(json ? JSON.stringify(load) : asText(load));
}

async function signUp(cloud: CloudProcess): Promise<User> {
  const username = `${randomUUID()}@tidemark.example`;
  await cloud.ask({ ask: 'user', username });
  return new User(cloud.api, await signIn(cloud.api, { username, password: PASSWORD }));
}

/** One call after the other, of one user after the other. */
async function measureAlone(cloud: CloudProcess, callers: readonly Caller[], calls: number): Promise<Kind[]> {
  const rows: Kind[] = [];
  for (const [what, call] of kinds) {
    console.error(`… ${what}`);
    for (let nth = 0; nth < WARM_UP; nth++) await call(callers[nth % USERS]!);
    const { result: ms, used } = await meter(cloud, async () => {
      const taken: number[] = [];
      for (let nth = 0; nth < calls; nth++) {
        const begun = performance.now();
        await call(callers[nth % USERS]!);
        taken.push(performance.now() - begun);
      }
      return taken;
    });
    rows.push({ what, ms, used });
  }
  return rows;
}

/** Each of another user, so that none waits for one before it on the same account. */
async function measureMix(
  cloud: CloudProcess,
  callers: readonly Caller[],
  at: { rate: number; seconds: number },
): Promise<Load['mix']> {
  console.error(`… ${at.rate} requests a second for ${at.seconds} s`);
  let nth = 0;
  const next = (): Caller => callers[nth++ % USERS]!;
  const mixed = [
    { name: 'POST /download of a note', share: 3, call: () => next().downloadNote() },
    { name: 'POST /save of a note', share: 1, call: () => next().saveNote() },
  ];
  // As many instances of functions as the rate takes start before.
  await arrive(mixed, { ...at, seconds: at.seconds / 10 });
  const { result, used }: Metered<Map<string, number[]>> = await meter(cloud, () => arrive(mixed, at));
  return { used, kinds: [...result].map(([what, ms]) => ({ what, ms })) };
}
