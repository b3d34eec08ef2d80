import { type Command, CommanderError } from 'commander';
import { exitCode } from './exit-code.ts';
import { reasonOf } from './reason.ts';

/** How a command says that it failed. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
}

/**
 * Runs a command line of this process to its end, and says on the standard error what went wrong.
 * @param failureOf what an error means; `undefined` for one that only a programmer understands
 * @param onOutputError a failure of the standard output other than that nobody reads it any more
 */
export async function runProgram(
  program: Command,
  failureOf: (error: unknown) => Failure | undefined,
  onOutputError: (error: Error) => void,
): Promise<void> {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads this may have seen enough, as `head` has.
    if (error.code === 'EPIPE') process.exit();
    onOutputError(error);
  });
  // What nobody waited for ends the process as well, in words.
  process.on('uncaughtException', (error) => process.exit(reportFailure(program, error, failureOf)));
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = reportFailure(program, error, failureOf);
  }
}

/** Says what went wrong, unless that was said already, and answers the exit code. */
function reportFailure(program: Command, error: unknown, failureOf: (error: unknown) => Failure | undefined): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCode.usage;
  const known = failureOf(error);
  console.error(`${program.name()}: ${known?.message ?? faultOf(program, error)}`);
  return known?.exitCode ?? exitCode.failure;
}

/** Set to anything, a fault of the program is reported with where in it that was. */
const TRACE = 'TIDEMARK_TRACE';

/** Of an error that nobody thought of. */
function faultOf(program: Command, error: unknown): string {
  if (error instanceof Error && process.env[TRACE]) return error.stack ?? error.message;
  return `${reasonOf(error)}. That is a fault of ${program.name()}: report it, with what it says when ${TRACE}=1 is set.`;
}
