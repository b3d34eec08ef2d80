import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What happens at one step of an actor. A step is one statement or one call to S3.
 * - crash: the actor is gone before the step; crash after: gone when the step is done, without its answer
 * - lost request, lost answer: the connection breaks before or after the step, and the actor sees an error
 */
export type FaultKind = 'crash' | 'crash after' | 'lost request' | 'lost answer';

/** Decides one interleaving completely. */
export interface Plan {
  /** After so many further steps, the turn goes to another actor: the n-th of those that are ready. */
  readonly switches: readonly { after: number; to: number }[];
  /** At its n-th step, an actor meets a fault. */
  readonly faults: readonly { actor: number; step: number; kind: FaultKind }[];
}

/** What holds a step up: something of the database that can be asked whether it waits for a lock. */
interface Waiter {
  /** Whether what it does can still be rolled back. */
  readonly inTransaction: boolean;
  isBlocked(): Promise<boolean>;
  /** Ends the connection, and with it its transaction: now, or when the lock has come that it waits for. */
  cut(): Promise<void>;
}

interface Step {
  readonly actor: Actor;
  readonly label: string;
  readonly waiter: Waiter | undefined;
  run(): Promise<unknown>;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Steps that change nothing. */
const READS = /^(select|HeadObject|GetObject|ListObjectVersions)/;

interface Performed {
  readonly step: Step;
  readonly fault: FaultKind | undefined;
  readonly done: Promise<void>;
  outcome?: { value: unknown } | { error: unknown };
}

const STUCK_MS = 30_000;
/** A statement that is not back after so long is asked about. */
const PATIENCE_MS = 3;

/** Of each step of an actor, in their order, whether its effect stays when the actor is gone right after it. */
export type Walk = readonly boolean[];

/** Whoever runs the code that is being executed. */
export const currentActor = new AsyncLocalStorage<Actor>();

export class Actor {
  readonly name: string;
  readonly index: number;
  readonly connections = new Set<Waiter>();
  state: 'alive' | 'crashed' | 'done' = 'alive';
  readonly steps: boolean[] = [];
  readonly #enter: (step: Step) => void;

  constructor(name: string, index: number, enter: (step: Step) => void) {
    this.name = name;
    this.index = index;
    this.#enter = enter;
  }

  /** Waits for its turn, then runs; never comes back when the actor crashed. */
  step<T>(label: string, run: () => Promise<T>, waiter?: Waiter): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.state === 'crashed') return;
      this.#enter({ actor: this, label, waiter, run, resolve: resolve as (value: unknown) => void, reject });
    });
  }
}

/** The error of a connection that broke, as pg and the AWS SDK put it. */
export class LostConnection extends Error {
  override name = 'LostConnection';
  constructor() {
    super('Connection terminated unexpectedly');
  }
}

/** Runs one actor, undisturbed. */
export async function alone(run: () => Promise<unknown>): Promise<void> {
  await interleave([{ name: 'call', run: async () => void (await run()) }], { switches: [], faults: [] }, []);
}

/**
 * Runs actors so that exactly one of them moves at a time, from one step to the next, as the plan says. An actor that
 * waits for a lock gives the turn away; it goes on when the lock is free. Returns the steps that each one made: whether
 * their effect lasts.
 */
export async function interleave(
  programs: readonly { name: string; run: () => Promise<void> }[],
  plan: Plan,
  trace: string[],
): Promise<Walk[]> {
  return new Interleaving(programs, plan, trace).run();
}

class Interleaving {
  readonly #plan: Plan;
  readonly #trace: string[];
  readonly #actors: readonly Actor[];
  readonly #switches: { after: number; to: number }[];
  readonly #waiting: Step[] = [];
  readonly #blocked: Performed[] = [];
  readonly #failures: unknown[] = [];
  #moved = Promise.withResolvers<void>();
  #turnsLeft: number;
  #running = 0;

  constructor(programs: readonly { name: string; run: () => Promise<void> }[], plan: Plan, trace: string[]) {
    this.#plan = plan;
    this.#trace = trace;
    this.#switches = [...plan.switches];
    this.#turnsLeft = this.#switches[0]?.after ?? Number.POSITIVE_INFINITY;
    const enter = (step: Step): void => {
      this.#waiting.push(step);
      this.#moved.resolve();
    };
    this.#actors = programs.map(({ name }, index) => new Actor(name, index, enter));
    for (const [index, actor] of this.#actors.entries()) this.#start(actor, programs[index]!.run);
  }

  async run(): Promise<Walk[]> {
    for (const started = Date.now(); ; ) {
      await this.#quiet();
      for (const each of [...this.#blocked]) await this.#resume(each);
      const idle = this.#waiting.length === 0 && this.#blocked.length === 0;
      if (idle && this.#actors.every(({ state }) => state !== 'alive')) break;
      if (this.#waiting.length > 0) await this.#perform(this.#choose());
      else await delay(1);
      if (Date.now() - started > STUCK_MS) throw new Error(`stuck:\n${this.#trace.join('\n')}`);
    }
    if (this.#failures.length > 0) throw this.#failures[0];
    return this.#actors.map(({ steps }) => steps);
  }

  #start(actor: Actor, run: () => Promise<void>): void {
    void currentActor.run(actor, async () => {
      try {
        await run();
      } catch (error) {
        this.#failures.push(error);
      }
      if (actor.state === 'alive') actor.state = 'done';
      this.#moved.resolve();
    });
  }

  /** Until whoever is alive has come to a step, or waits for a lock. */
  async #quiet(): Promise<void> {
    const isBusy = (actor: Actor) =>
      actor.state === 'alive' &&
      !this.#waiting.some((step) => step.actor === actor) &&
      !this.#blocked.some(({ step }) => step.actor === actor);
    while (this.#actors.some(isBusy)) {
      await this.#moved.promise;
      this.#moved = Promise.withResolvers();
    }
  }

  #choose(): Step {
    const ready = this.#actors.filter((actor) => this.#waiting.some((step) => step.actor === actor));
    if (this.#turnsLeft === 0) {
      const others = ready.filter(({ index }) => index !== this.#running);
      if (others.length > 0) this.#running = others[this.#switches[0]!.to % others.length]!.index;
      this.#switches.shift();
      this.#turnsLeft = this.#switches[0]?.after ?? Number.POSITIVE_INFINITY;
    }
    const actor = ready.find(({ index }) => index === this.#running) ?? ready[0]!;
    this.#running = actor.index;
    this.#turnsLeft--;
    const place = this.#waiting.findIndex((step) => step.actor === actor);
    return this.#waiting.splice(place, 1)[0]!;
  }

  async #perform(step: Step): Promise<void> {
    const { actor } = step;
    const number = actor.steps.length;
    actor.steps.push(!READS.test(step.label) && !step.waiter?.inTransaction);
    const fault = this.#plan.faults.find((each) => each.actor === actor.index && each.step === number)?.kind;
    this.#trace.push(`${actor.name} ${number}: ${step.label}${fault ? ` [${fault}]` : ''}`);
    if (fault === 'crash') return await this.#crash(actor);
    if (fault === 'lost request') return await lose(step);
    const performed: Performed = {
      step,
      fault,
      done: step.run().then(
        (value) => {
          performed.outcome = { value };
        },
        (error: unknown) => {
          performed.outcome = { error };
        },
      ),
    };
    this.#blocked.push(performed);
    await this.#resume(performed);
  }

  /** Hands the outcome over, unless the step still waits for a lock. */
  async #resume(performed: Performed): Promise<void> {
    const { step, fault, done } = performed;
    while (!performed.outcome) {
      await Promise.race([done, delay(PATIENCE_MS)]);
      const mayWait = !performed.outcome && this.#actors.length > 1;
      if (mayWait && step.waiter && (await step.waiter.isBlocked())) return;
    }
    this.#blocked.splice(this.#blocked.indexOf(performed), 1);
    if (step.actor.state === 'crashed') return;
    const { outcome } = performed;
    if ('error' in outcome) {
      this.#trace.push(`${step.actor.name}   ${String(outcome.error)}`);
      step.reject(outcome.error);
    } else if (fault === 'crash after') {
      await this.#crash(step.actor);
    } else if (fault === 'lost answer') {
      await lose(step);
    } else {
      step.resolve(outcome.value);
    }
  }

  async #crash(actor: Actor): Promise<void> {
    actor.state = 'crashed';
    const left = this.#waiting.filter((each) => each.actor === actor);
    for (const step of left) this.#waiting.splice(this.#waiting.indexOf(step), 1);
    for (const connection of actor.connections) await connection.cut();
  }
}

async function lose({ waiter, reject }: Step): Promise<void> {
  await waiter?.cut();
  reject(new LostConnection());
}
