import pMap from 'p-map';
import { ancestors, isWithinAny, nameOf } from '../../protocol/path.ts';
import { foldName } from '../../protocol/reserved-name.ts';
import { findTwin, type Twin } from '../disk/spelling.ts';
import { mayRespell } from '../disk/twins.ts';
import { type Operation, pathOf, pathsOf } from '../plan/operation.ts';
import { type RespellContext, respell } from './respell.ts';

/** Paths that are looked at together. */
const CONCURRENT = 16;

/**
 * Makes sure, before the steps of one plan touch the disk, that the disk means what they name. One that takes names in
 * other case for the same answers to a path with another entry. Where that entry is to have the new spelling, it is
 * renamed. Its steps, and those at names that cannot lie here, are left to the next plan, which knows more.
 */
export class SpellingCheck {
  readonly #sync: RespellContext;
  /** Paths with steps that are left to the next plan. */
  readonly #unclear = new Set<string>();
  readonly #directories = new Map<string, Promise<string | undefined>>();
  readonly #folded = new Map<string, string>();
  /** The first of the paths that some disk may take for one, by their folded form. */
  readonly #first = new Map<string, string>();

  constructor(sync: RespellContext) {
    this.#sync = sync;
  }

  /** The steps that may be carried out. */
  async admit<Step extends Operation>(steps: readonly Step[]): Promise<Step[]> {
    const distinct = steps.filter((step) => this.isClear(step) && this.#isFirst(step));
    const twins = await pMap(distinct, (step) => this.#twinOf(step), { concurrency: CONCURRENT });
    for (const twin of twins) if (twin && !this.#unclear.has(twin.path)) await this.#decide(twin);
    return distinct.filter((step) => this.isClear(step));
  }

  /** Whether nothing has become unclear that this step concerns. */
  isClear(step: Operation): boolean {
    if (this.#unclear.size === 0) return true;
    return !pathsOf(step).some((path) => isWithinAny(path, this.#unclear));
  }

  /**
   * Steps that have to be looked at before all others, since another step sends away, under its old spelling, what they
   * may rename.
   */
  contested(plan: readonly Operation[]): Operation[] {
    const sent = new Map<string, string>();
    for (const { do: what, path } of plan.filter((step) => 'path' in step)) {
      if (what !== 'upload') continue;
      for (const at of [path, ...ancestors(path)]) sent.set(this.#fold(at), at);
    }
    const isContested = (path: string): boolean => (sent.get(this.#fold(path)) ?? path) !== path;
    return plan.filter(
      (step) => step.do === 'download' && [step.path, ...ancestors(step.path)].some((path) => isContested(path)),
    );
  }

  async #twinOf(step: Operation): Promise<Twin | undefined> {
    for (const path of placesOf(step)) {
      const twin = await findTwin(this.#sync.root, path, this.#directories);
      if (twin) return twin;
    }
    return undefined;
  }

  async #decide(twin: Twin): Promise<void> {
    const sync = this.#sync;
    this.#unclear.add(twin.path).add(twin.spelled);
    if (mayRespell(sync.state, twin) && !sync.state.trees.local.has(twin.path)) {
      return sync.failures.attempt([twin.path, twin.spelled], () => respell(sync, twin));
    }
    sync.notices.lookAgain(twin.path);
    sync.notices.look(twin.spelled);
  }

  /** Of new paths that some disk may take for one, a plan makes the first only: the next one sees what that did. */
  #isFirst(step: Operation): boolean {
    if (step.do !== 'download' && step.do !== 'moveLocal') return true;
    const path = pathOf(step);
    return [path, ...ancestors(path)].every((at) => {
      const folded = this.#fold(at);
      const first = this.#first.get(folded) ?? at;
      this.#first.set(folded, first);
      return first === at;
    });
  }

  #fold(path: string): string {
    const before = this.#folded.get(path);
    if (before !== undefined) return before;
    const [above] = ancestors(path);
    const folded = above === undefined ? foldName(path) : `${this.#fold(above)}/${foldName(nameOf(path))}`;
    this.#folded.set(path, folded);
    return folded;
  }
}

/** The places on the disk that a step reads or changes, except for a conflict copy's, which is new. */
function placesOf(step: Operation): string[] {
  if (step.do === 'moveLocal') return [step.from, step.to];
  return step.do === 'download' || step.do === 'deleteLocal' || step.do === 'setAside' ? [step.path] : [];
}
