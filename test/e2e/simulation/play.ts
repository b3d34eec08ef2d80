import { Random } from '../../../bench/random.ts';
import { numbered, shardOf } from '../../../lambdas/shared/database/shards.ts';
import type { Service } from '../../support/service.ts';
import { age, sweep } from '../../support/storage.ts';
import type { User } from '../../support/user.ts';
import { type Contents, filesOf } from './contents.ts';
import { Machine, type Site } from './machine.ts';
import { type Edit, LONG_SECONDS, type Run, type Scenario, type Step } from './scenario.ts';

/** How long history is kept, hours. */
const HISTORY_HOURS = 30 * 24;
/** Each syncs so often at most until all are the same: what one makes of a conflict, the others have to get. */
const MOST_SYNCS = 6;

/** What became of a content that a user made. */
interface Fate {
  /** The devices that have it, and have not synced since they got it, with when that was. */
  readonly unsynced: Map<number, number>;
  /** Whether a device that had it came to the end of a sync. */
  synced: boolean;
  /** Hours of the simulation at which a user removed or replaced it, or a disk was lost that alone had it. */
  removedAt: number | undefined;
}

/** One scenario, from empty folders to the rest in which all are the same. */
class Simulation {
  readonly #service: Service;
  readonly #user: User;
  readonly #machines: readonly Machine[];
  readonly #fates = new Map<string, Fate>();
  /** Counts edits and syncs, so that it tells which came first. */
  #count = 0;
  #hours = 0;

  constructor(service: Service, user: User, machines: readonly Machine[]) {
    this.#service = service;
    this.#user = user;
    this.#machines = machines;
  }

  async play(step: Step): Promise<void> {
    if (step.do === 'pass') {
      this.#hours += step.hours;
      await age(this.#service, step.hours);
      await sweep(this.#service);
    } else if (step.do === 'sync') {
      await Promise.all(step.runs.map(({ who, ...run }) => this.#sync(who, run)));
    } else if (step.do === 'edit') {
      for (const edit of step.edits) this.#edit(step.who, edit);
    } else if (step.do === 'keep') {
      await this.#machines[step.who]!.keep();
    } else {
      await this.#bringBack(step.who);
    }
  }

  #edit(who: number, edit: Edit): void {
    const { made, gone, moved } = this.#machines[who]!.edit(edit, ++this.#count);
    for (const content of gone) {
      const fate = this.#fates.get(content);
      fate?.unsynced.delete(who);
      if (fate) fate.removedAt ??= this.#hours;
    }
    for (const content of made) this.#has(who, content);
    for (const content of moved) if (this.#fates.get(content)?.unsynced.has(who)) this.#has(who, content);
  }

  /** A device has a content of its own accord from now on. */
  #has(who: number, content: string): void {
    const fate = this.#fates.get(content) ?? { unsynced: new Map(), synced: false, removedAt: undefined };
    fate.unsynced.set(who, this.#count);
    this.#fates.set(content, fate);
  }

  async #bringBack(who: number): Promise<void> {
    const machine = this.#machines[who]!;
    const before = filesOf(await machine.contents());
    await machine.bringBack();
    const after = filesOf(await machine.contents());
    for (const content of after) if (!before.has(content)) this.#has(who, content);
    for (const content of before) {
      if (after.has(content)) continue;
      const fate = this.#fates.get(content);
      fate?.unsynced.delete(who);
      // With a disk goes what nobody else has; the rest comes back from the service.
      if (fate && !fate.synced) fate.removedAt ??= this.#hours;
    }
  }

  async #sync(who: number, run: Omit<Run, 'who'> = {}): Promise<boolean> {
    const { meanwhile, stays } = run;
    let known = ++this.#count;
    const user = { meanwhile: this.#once(who, meanwhile?.edits), atHalf: this.#once(who, stays?.edits) };
    const atHalf = (): void => {
      user.atHalf();
      if (stays?.seconds === LONG_SECONDS) known = this.#count;
    };
    const isDone = await this.#machines[who]!.sync(run, { ...user, atHalf });
    user.meanwhile();
    user.atHalf();
    if (!isDone && mayRest(run)) throw new Error(`device ${who} does not come to rest in ${LONG_SECONDS} s`);
    if (!isDone) return false;
    for (const fate of this.#fates.values()) {
      // What came meanwhile may have come too late.
      const since = fate.unsynced.get(who);
      if (since === undefined || since > known) continue;
      fate.unsynced.delete(who);
      fate.synced = true;
    }
    return true;
  }

  #once(who: number, edits: readonly Edit[] = []): () => void {
    let left = edits;
    return () => {
      for (const each of left) this.#edit(who, each);
      left = [];
    };
  }

  /** Has all devices sync until they are the same. Throws with what they have if they do not come to that. */
  async comeToRest(): Promise<Contents> {
    for (let round = 0; round < MOST_SYNCS; round++) {
      const done: boolean[] = [];
      for (const who of this.#machines.keys()) done.push(await this.#sync(who));
      const all = await Promise.all(this.#machines.map((machine) => machine.contents()));
      if (done.every(Boolean) && all.every((contents) => equal(contents, all[0]!))) return all[0]!;
    }
    const all = await Promise.all(
      this.#machines.map(async (machine) => JSON.stringify([...(await machine.contents())])),
    );
    throw new Error(`after ${MOST_SYNCS} syncs of each, devices have\n${all.join('\n')}`);
  }

  /** What nobody removed is there, and what somebody removed after it was synced is in the history as long as that is kept. */
  async demandAll(there: Contents): Promise<void> {
    const present = filesOf(there);
    const kept = await this.#history();
    for (const [content, { synced, removedAt }] of this.#fates) {
      if (removedAt === undefined && !present.has(content)) throw new Error(`I15: ${content} is nowhere`);
      const isKept = removedAt !== undefined && synced && this.#hours - removedAt < HISTORY_HOURS;
      if (isKept && !present.has(content) && !kept.has(content)) throw new Error(`I15: ${content} is in no history`);
    }
  }

  /** Contents of all versions of the user; each is one block. */
  async #history(): Promise<Set<string>> {
    const { rows } = await this.#service.database.query<{ hash: string }>(
      `select distinct encode(block, 'hex') as hash
       from ${numbered('shard', shardOf(this.#user.id))}.file_versions, unnest(block_hashes) block where user_id = $1`,
      [this.#user.id],
    );
    return new Set(rows.map(({ hash }) => hash));
  }
}

/** Whether nothing keeps a device from having all in sync at the end. */
function mayRest({ network, disk, stopMs, stays }: Omit<Run, 'who'>): boolean {
  return stays?.seconds === LONG_SECONDS && !network && !disk && stopMs === undefined;
}

function equal(one: Contents, other: Contents): boolean {
  return one.size === other.size && [...one].every(([path, content]) => other.get(path) === content);
}

/** Plays a scenario with a user of its own. @param sites one for each device, and one for a device that comes at the end */
export async function play(
  service: Service,
  sites: readonly Site[],
  { devices, chance = 1, steps }: Scenario,
): Promise<void> {
  const user = await service.signUp();
  const machines: Machine[] = [];
  const nobody = { meanwhile: () => undefined, atHalf: () => undefined };
  const open = async (name: string): Promise<Machine> => {
    const random = new Random(chance + machines.length);
    machines.push(await Machine.open(sites[machines.length]!, user, name, () => random.fraction()));
    return machines.at(-1)!;
  };
  try {
    for (let index = 0; index < devices; index++) await open(`device ${index}`);
    const simulation = new Simulation(service, user, [...machines]);
    for (const step of steps) await simulation.play(step);
    const there = await simulation.comeToRest();
    await simulation.demandAll(there);
    // Who has nothing gets what the service has.
    const fresh = await open('another');
    const isDone = await fresh.sync({}, nobody);
    if (!isDone || !equal(await fresh.contents(), there)) {
      throw new Error(`the service has ${JSON.stringify([...(await fresh.contents())])}, and devices have others`);
    }
  } finally {
    for (const machine of machines) await machine.close();
  }
}
