import { isDeepStrictEqual } from 'node:util';
import { type Encounter, type EncounterName, encounters } from './encounters.ts';
import { fingerprint } from './fingerprint.ts';
import { Moment } from './moment.ts';
import { Run } from './run.ts';
import type { Action } from './scenario.ts';
import type { FaultKind, Plan, Walk } from './scheduler.ts';
import type { World } from './world.ts';

/**
 * Plays an encounter in both orders: each actor is the one that is disturbed. Every interleaving in which the turn passes
 * once from that actor to the other, at each of its steps; and every one in which it crashes, or loses an answer, and the
 * other comes after it. Few lost blocks need more than one switch at the wrong place (Musuvathi and Qadeer: Iterative
 * Context Bounding, PLDI 2007); scenarios that are drawn at random have more. Returns how many it played.
 */
export async function explore(world: World, name: EncounterName): Promise<number> {
  const encounter: Encounter = encounters[name];
  const [one, other] = encounter.actors;
  const meeting = await Meeting.prepare(world, encounter, name);
  let played = await meeting.disturbFirst([one, other]);
  if (!encounter.alike && !isDeepStrictEqual(one, other)) played += await meeting.disturbFirst([other, one]);
  return played;
}

/** Two actors meet again and again at one moment. */
class Meeting {
  readonly #world: World;
  readonly #hours: number;
  readonly #name: string;
  readonly #past: Run;
  readonly #moment: Moment;
  /** The states in which a meeting has ended: what follows from one of them was seen. */
  readonly #ends = new Set<string>();

  private constructor(world: World, { hours }: Encounter, name: string, before: { past: Run; moment: Moment }) {
    this.#world = world;
    this.#hours = hours;
    this.#name = name;
    this.#past = before.past;
    this.#moment = before.moment;
  }

  static async prepare(world: World, encounter: Encounter, name: string): Promise<Meeting> {
    const past = await Run.begin(world, { ...encounter, remains: [...encounter.remains], skewMinutes: 5 });
    for (const round of encounter.before) await past.play(round);
    return new Meeting(world, encounter, name, { past, moment: await Moment.keep(world) });
  }

  async disturbFirst(actors: readonly [Action, Action]): Promise<number> {
    const [walk = []] = await this.#meet(actors, { switches: [], faults: [] });
    const plans = plansFor(walk);
    for (const plan of plans) await this.#meet(actors, plan);
    return 1 + plans.length;
  }

  async #meet(actors: readonly [Action, Action], plan: Plan): Promise<Walk[]> {
    try {
      await this.#moment.bringBack();
      const run = this.#past.copy();
      const walks = await run.play({ hours: this.#hours, actions: [...actors], ...plan });
      const end = await fingerprint(this.#world, this.#moment.start, run.memory);
      if (!this.#ends.has(end)) await run.comeToRest();
      this.#ends.add(end);
      return walks;
    } catch (error) {
      const { message } = error as Error;
      const who = actors.map((each) => each.do).join(' and ');
      throw new Error(`${message}\n${this.#name}, ${who}, with ${JSON.stringify(plan)}`, { cause: error });
    }
  }
}

/**
 * A crash at any two steps between which nothing lasting happened leaves the same behind, so that one of them is enough.
 * An answer that is lost matters where the effect stays, and just before it, where all that was done is done again.
 */
function plansFor(walk: Walk): Plan[] {
  return walk.flatMap((lasting, step): Plan[] => {
    const fault = (kind: FaultKind): Plan => ({ switches: [], faults: [{ actor: 0, step, kind }] });
    return [
      { switches: [{ after: step, to: 0 }], faults: [] },
      ...(step === 0 || walk[step - 1] ? [fault('crash')] : []),
      ...(lasting || walk[step + 1] ? [fault('lost answer')] : []),
    ];
  });
}
