import { audit } from '../../lambdas/admin/audit/audit.ts';
import { collectBlocks } from '../../lambdas/gc/collect-blocks.ts';
import { confirmCounts } from '../../lambdas/gc/confirm-counts.ts';
import { expireVersions } from '../../lambdas/gc/expire-versions.ts';
import { forgetChanges } from '../../lambdas/gc/forget-changes.ts';
import { sweep } from '../../lambdas/gc/sweep.ts';
import { drainShards } from '../../lambdas/relay/drain.ts';
import { within } from '../../lambdas/shared/database/database.ts';
import { removeExpiredUploads } from '../../lambdas/shared/tables/uploads.ts';
import type { FileChanged } from '../../protocol/file-changed.ts';
import { type Call, commit, finalize, init, isRefusal, readOn, save, send, type Upload } from './client.ts';
import { checkAlways, checkAtRest, type References } from './invariants.ts';
import { type Known, knownOf, Requests } from './requests.ts';
import type { Action, Round, Scenario } from './scenario.ts';
import { currentActor, interleave, LostConnection, type Plan, type Walk } from './scheduler.ts';
import { users, type World } from './world.ts';

/** More often than the others can get in its way, no upload has to send anew. */
const ATTEMPTS = 6;

const undisturbed: Plan = { switches: [], faults: [] };

/**
 * Plays a scenario on an empty world and checks what must hold after every round, and at the end. The message of its
 * error begins with the invariant that is broken, and ends with all that happened. Returns the steps of each actor of the
 * last round.
 */
export async function play(world: World, scenario: Scenario): Promise<Walk[]> {
  const run = await Run.begin(world, scenario);
  let walks: Walk[] = [];
  for (const round of scenario.rounds) walks = await run.play(round);
  await run.comeToRest();
  return walks;
}

/** What happens in a world, round after round. */
export class Run {
  readonly trace: string[] = [];
  readonly #world: World;
  readonly #crossUser: boolean;
  readonly #uploads: Upload[] = [];
  readonly #calls: Call[] = [];
  readonly #stream: FileChanged[] = [];
  #consumed = 0;
  /** When a block was last seen to be referenced, in hours. */
  readonly #referencedAt = new Map<string, number>();
  /** Blocks that may be in rows. */
  readonly #inRows = new Set<string>();
  #requests: Requests;

  constructor(world: World, crossUser: boolean) {
    this.#world = world;
    this.#requests = new Requests(world);
    this.#crossUser = crossUser;
    world.store.onDelete = (hash, current) => this.#onDelete(hash, current);
  }

  /** Empties the world, but for what the scenario begins with. */
  static async begin(world: World, { skewMinutes, remains, crossUser }: Omit<Scenario, 'rounds'>): Promise<Run> {
    await world.reset(skewMinutes);
    await world.leave(remains);
    return new Run(world, crossUser);
  }

  /** Another run with the same past, for a world that is brought back to this moment. */
  copy(): Run {
    const copy = new Run(this.#world, this.#crossUser);
    copy.trace.push(...this.trace);
    copy.#uploads.push(...this.#uploads.map((upload) => ({ ...upload, answers: upload.answers.copy() })));
    copy.#calls.push(...this.#calls.map((call) => ({ ...call, answers: call.answers.copy() })));
    copy.#stream.push(...this.#stream);
    copy.#consumed = this.#consumed;
    for (const [hash, hours] of this.#referencedAt) copy.#referencedAt.set(hash, hours);
    for (const hash of this.#inRows) copy.#inRows.add(hash);
    copy.#referenced = this.#referenced;
    copy.#requests = this.#requests.copy();
    return copy;
  }

  /** Beside the world, all on which it depends how this run comes to rest. */
  get memory(): unknown {
    const referencedAt = [...this.#referencedAt].sort();
    return { hours: this.#world.hours, stream: this.#stream, consumed: this.#consumed, referencedAt };
  }

  /** Returns the steps of each actor. */
  async play(round: Round): Promise<Walk[]> {
    return await this.#told(() => this.#play(round));
  }

  /** No call is under way any more, all events arrive, and time passes until everything unused is gone. */
  async comeToRest(): Promise<void> {
    await this.#told(() => this.#comeToRest());
  }

  async #told<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.trace.join('\n')}`, { cause: error });
    }
  }

  async #play({ hours, actions, ...plan }: Round): Promise<Walk[]> {
    this.trace.push(`--- ${hours} hours later`);
    await this.#pass(hours);
    const trees = await Promise.all(users.map((_, user) => knownOf(this.#world, user)));
    const programs = actions.map((action, index) => ({
      name: `${index}:${action.do}`,
      run: this.#program(
        action,
        trees,
        plan.faults.some(({ actor }) => actor === index),
      ),
    }));
    const walks = await interleave(programs, plan, this.trace);
    if (this.#failure) throw this.#failure;
    this.#note(await checkAlways(this.#world, this.trace));
    return walks;
  }

  async #comeToRest(): Promise<void> {
    const alone = async (name: string, run: () => Promise<void>) => {
      await interleave([{ name, run }], undisturbed, this.trace);
      if (this.#failure) throw this.#failure;
    };
    await alone('relay', () => this.#relay());
    await alone('consume', () => this.#consume(0));
    // What is unused, given up or outdated by now goes in the first sweep, what that let go of in the second.
    for (const hours of [31 * 24, 73]) {
      await this.#pass(hours);
      await alone('sweep', () => this.#sweep());
      this.#note(await checkAlways(this.#world, this.trace));
    }
    await alone('audit', () => this.#audit());
    await checkAtRest(this.#world, this.#stream, this.trace);
  }

  async #pass(hours: number): Promise<void> {
    await this.#world.pass(hours);
    for (const hash of this.#referenced) this.#referencedAt.set(hash, this.#world.hours);
  }

  #referenced: Iterable<string> = [];

  #note(references: References): void {
    for (const hash of references.keys()) this.#referencedAt.set(hash, this.#world.hours);
    this.#referenced = [...references.keys()];
  }

  #onDelete(hash: string, current: boolean): void {
    const age = this.#world.hours - (this.#referencedAt.get(hash) ?? Number.NEGATIVE_INFINITY);
    // Of what is in rows an object may go: that the content stays is asked after each round.
    if (current && age < 72 && !this.#inRows.has(hash))
      this.#fail(`I3: block ${hash.slice(0, 6)} is deleted ${age} hours after its last reference`);
  }

  #failure: Error | undefined;
  #fail(message: string): void {
    this.#failure ??= new Error(message);
    this.trace.push(`!!! ${message}`);
  }

  #program(action: Action, trees: readonly Map<string, Known>[], disturbed: boolean): () => Promise<void> {
    const program = this.#plan(action, trees);
    return async () => {
      try {
        await program();
      } catch (error) {
        if (!(disturbed && error instanceof LostConnection) && !isRefusal(error)) throw error;
      }
    };
  }

  #plan(action: Action, trees: readonly Map<string, Known>[]): () => Promise<void> {
    const nothing = async () => {};
    switch (action.do) {
      case 'upload':
      case 'save': {
        const upload = this.#requests.upload(action, trees[action.user]!);
        this.#uploads.push(upload);
        if (action.do === 'upload') return () => this.#upload(upload, 'init', action.upTo);
        for (const { blocks } of upload.request.files) for (const { hash } of blocks) this.#inRows.add(hash);
        return () => save(this.#world, upload);
      }
      case 'resume': {
        const upload = this.#uploads[action.upload % this.#uploads.length];
        return upload ? () => this.#upload(upload, action.from, action.upTo) : nothing;
      }
      case 'delete':
      case 'move':
      case 'restore': {
        const call = this.#requests.call(action, trees[action.user]!);
        return call ? this.#call(call) : nothing;
      }
      case 'moveFolder': {
        const call = this.#requests.moveFolder(action, trees[action.user]!);
        return call ? this.#call(call) : nothing;
      }
      case 'repeat': {
        const call = this.#calls[action.call % this.#calls.length];
        return call ? () => commit(this.#world, call) : nothing;
      }
      case 'sweep':
        return () => this.#sweep();
      case 'collect':
        return async () => {
          while ((await collectBlocks(this.#world.databases.blocks, 500, Number.POSITIVE_INFINITY)).more);
        };
      case 'expire':
        return () => this.#expire();
      case 'end':
        return () => this.#end(action.hours);
      case 'audit':
        return () => this.#audit();
      case 'changes':
        return () => readOn(this.#world, action.user, action.cursor);
      case 'relay':
        return () => this.#relay();
      case 'consume':
        return () => this.#consume(action.old);
    }
  }

  #call(call: Call): () => Promise<void> {
    this.#calls.push(call);
    return () => commit(this.#world, call);
  }

  /** As the client does it: what is missing after all is asked about again. */
  async #upload(upload: Upload, from: 'init' | 'finalize', upTo: 'init' | 'send' | 'finalize'): Promise<void> {
    if (from === 'finalize') {
      await finalize(this.#world, upload);
      return;
    }
    for (let attempt = 1; ; attempt++) {
      await init(this.#world, upload, this.#crossUser);
      if (upTo === 'init') return;
      const asked = new Set(upload.asked!.map(({ hash }) => hash));
      await send(this.#world, upload);
      if (upTo === 'send') return;
      const missing = await finalize(this.#world, upload);
      if (missing.length === 0) return;
      const promised = missing.find((hash) => !asked.has(hash));
      if (promised)
        throw new Error(`I3: upload-init called block ${promised.slice(0, 6)} present, and now it is missing`);
      if (attempt === ATTEMPTS) throw new Error(`an upload does not end: ${missing} are missing again and again`);
    }
  }

  async #sweep(): Promise<void> {
    await sweep(this.#world.databases, { dryRun: false, until: Number.POSITIVE_INFINITY });
  }

  async #expire(): Promise<void> {
    const { blocks, shards } = this.#world.databases;
    for (const shard of shards) {
      await within(shard, (shard) => forgetChanges(shard, 500));
      await expireVersions(blocks, shard, 500);
    }
  }

  /** Time passes, and uploads that are over are removed. */
  async #end(hours: number): Promise<void> {
    await this.#pass(hours);
    for (const shard of this.#world.databases.shards) {
      await within(shard, (shard) => removeExpiredUploads(shard, 500));
    }
  }

  /** Nothing is damaged, so there is nothing to find, whatever moves meanwhile. */
  async #audit(): Promise<void> {
    const { findings } = await audit(this.#world.databases, {
      from: undefined,
      sample: 1,
      until: Number.POSITIVE_INFINITY,
    });
    if (findings.length > 0) throw new Error(`I24: an audit of sound data finds ${JSON.stringify(findings[0])}`);
  }

  async #relay(): Promise<void> {
    const publish = async (events: readonly FileChanged[]) => {
      if (events.length === 0) return;
      const actor = currentActor.getStore()!;
      await actor.step(`publish ${events.length}`, async () => void this.#stream.push(...events));
    };
    await drainShards(this.#world.databases.shards, { publish }, Number.POSITIVE_INFINITY);
  }

  /** The new events, or some old ones once more and backwards. */
  async #consume(old: number): Promise<void> {
    const events = old > 0 ? this.#stream.slice(old - 1).reverse() : this.#stream.slice(this.#consumed);
    if (events.length === 0) return;
    await confirmCounts(this.#world.databases, events);
    if (old === 0) this.#consumed = this.#stream.length;
  }
}
