/** The rate is that of this time before, ms. */
const WINDOW_MS = 10_000;
/** What moved in less says nothing of the rate. */
const LEAST_MS = 100;
/** Of what is noted more often than this, ms, the last one counts. */
const SAMPLE_MS = 50;

/** How fast something moves. */
export class Rate {
  #samples: { readonly at: number; readonly moved: number }[] = [];

  /** @param moved bytes so far, at `now` ms */
  note(moved: number, now: number): void {
    const before = this.#samples.at(-2);
    if (before && now - before.at < SAMPLE_MS) this.#samples.pop();
    this.#samples.push({ at: now, moved });
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - WINDOW_MS) this.#samples.shift();
  }

  /** Bytes a second; `undefined` as long as nothing is known. */
  get perSecond(): number | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    const bytes = first && last ? last.moved - first.moved : 0;
    if (!first || !last || bytes <= 0 || last.at - first.at < LEAST_MS) return undefined;
    return (1000 * bytes) / (last.at - first.at);
  }
}
