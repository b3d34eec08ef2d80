import { median } from '../statistics.ts';
import type { Counters } from './counters.ts';
import type { Link } from './link/link.ts';
import type { Figures } from './measure.ts';

/** A step's figures of one run. */
export interface Measurement {
  readonly link: Link | undefined;
  readonly tool: string;
  readonly table: string;
  readonly step: string;
  readonly what: string;
  readonly figures: Figures;
}

/** A step's figures by tool, on one link: medians over all runs, and the worst of all. */
export interface Row {
  readonly link: Link | undefined;
  readonly table: string;
  readonly step: string;
  readonly what: string;
  readonly tools: Readonly<Record<string, Figures>>;
}

/** In the order in which steps were measured first. */
export function rowsOf(measurements: readonly Measurement[]): Row[] {
  const rows = Map.groupBy(measurements, ({ link, step }) => `${nameOf(link)} ${step}`);
  return [...rows.values()].map((all) => {
    const { link, table, step, what } = all[0]!;
    const byTool = Map.groupBy(all, ({ tool }) => tool);
    const tools = [...byTool].map(([tool, each]) => [tool, medians(each.map(({ figures }) => figures))]);
    return { link, table, step, what, tools: Object.fromEntries(tools) };
  });
}

export function nameOf(link: Link | undefined): string {
  return link ? `${link.rttMs} ms and ${link.mbit} Mbit/s` : 'loopback';
}

function medians(runs: readonly Figures[]): Figures {
  return {
    seconds: median(runs.map(({ seconds }) => seconds)),
    worst: Math.max(...runs.map(({ worst }) => worst)),
    used: mediansByName(runs.map(({ used }) => used)),
    memory: mediansByName(runs.map(({ memory }) => memory)),
  };
}

function mediansByName(runs: readonly Counters[]): Counters {
  const names = new Set(runs.flatMap((counters) => Object.keys(counters)));
  return Object.fromEntries([...names].map((name) => [name, median(runs.map((counters) => counters[name] ?? 0))]));
}
