import type { Deployment } from '../deployment.ts';

/** What an account has. */
export interface Quota {
  /** Executions at the same time of all functions in a region: 10 in many new accounts. */
  readonly concurrency: number;
}

/** Lambda takes variables of at most 4 KiB. */
const VARIABLES_BYTES = 4096;
/** What stands in a template for an address that AWS gives: about as long as the longest, a proxy's. */
const ADDRESS = 'x'.repeat(80);

/** What an account of that size would refuse. */
export function quotaProblems({ functions }: Deployment, { concurrency }: Quota): string[] {
  const reserved = functions.map(({ properties }) => Number(properties.ReservedConcurrentExecutions ?? 0));
  const sum = reserved.reduce((total, one) => total + one, 0);
  // Of a larger quota 100 have to stay unreserved; of a smaller one all.
  const least = Math.min(concurrency, 100);
  return sum === 0 || concurrency - sum >= least
    ? []
    : [
        `Specified ReservedConcurrentExecutions (${sum} in all) decrease account's UnreservedConcurrentExecution below its minimum value of [${least}]`,
      ];
}

/** Functions whose variables are too large for Lambda. */
export function variableProblems({ functions }: Deployment): string[] {
  return functions.flatMap(({ name, environment }) => {
    const entries = Object.entries(environment).map(([key, value]) => key.length + lengthOf(value));
    const bytes = entries.reduce((total, one) => total + one, 0);
    return bytes <= VARIABLES_BYTES
      ? []
      : [`${name} has variables of ${bytes} bytes, and Lambda takes ${VARIABLES_BYTES}`];
  });
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  const [, parts] = (value as { 'Fn::Join'?: [string, unknown[]] })['Fn::Join'] ?? [];
  return parts ? parts.reduce<number>((total, part) => total + lengthOf(part), 0) : ADDRESS.length;
}
