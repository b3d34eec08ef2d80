import type { Counters } from '../counters.ts';
import { type Processes, variableOf } from '../processes.ts';

/** CPU seconds of a local cloud by its process: of itself, of PostgreSQL, and of its functions, together and by name. */
export function cloudCpu(processes: Processes, cloud: number): Counters {
  const counters: Record<string, number> = { 'cpu.local cloud': processes.own(cloud), 'cpu.PostgreSQL': 0 };
  let functions = processes.ended(cloud);
  for (const { pid, command, own } of processes.children(cloud)) {
    if (command === 'postgres') counters['cpu.PostgreSQL']! += processes.family(pid);
    else {
      const name = variableOf(pid, 'AWS_LAMBDA_FUNCTION_NAME') ?? command;
      counters[`function.${name}`] = (counters[`function.${name}`] ?? 0) + own;
      functions += own;
    }
  }
  return { ...counters, 'cpu.functions': functions };
}
