import type { Pool } from 'pg';
import { expect } from 'vitest';

/** A statement, and how PostgreSQL would run it. */
export interface Plan {
  readonly text: string;
  /** As `explain` writes it. */
  readonly shown: string;
  /** Of all of it, as PostgreSQL reckons. */
  readonly cost: number;
}

/** The plans of all statements that `run` sends; what they change is undone. */
export async function plansOf(
  pool: Pool,
  run: (sql: never) => Promise<unknown>,
  settings: readonly string[] = [],
): Promise<Plan[]> {
  const plans: Plan[] = [];
  const client = await pool.connect();
  try {
    await client.query('begin');
    for (const setting of settings) await client.query(`set local ${setting}`);
    const explaining = {
      connect: async () => explaining,
      release: () => {},
      async query(text: string, values?: unknown[]) {
        // All is one transaction here.
        if (/^(begin|commit|rollback)/.test(text)) return { rows: [] };
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values);
        const shown = rows.map((row) => row['QUERY PLAN']).join('\n');
        plans.push({ text, shown, cost: Number(/\.\.([\d.]+)/.exec(shown)![1]) });
        return await client.query(text, values);
      },
    };
    await run(explaining as never);
  } finally {
    await client.query('rollback');
    client.release();
  }
  expect(plans).not.toEqual([]);
  return plans;
}
