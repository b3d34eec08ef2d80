import { mkdirSync, watch, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateFolder } from '../../protocol/reserved-name.ts';
import { systemCode } from '../common/errors.ts';

/**
 * What another command on this machine may tell the process that syncs a folder. Each is a file of this name that is
 * written anew, so that half of an instruction is never read, and one that this version does not know is none. It is an
 * event: nothing of it is read at the next start, so what is to last is kept in a file of the state.
 */
export type Instruction =
  /** The command changed something at the service, whose push leaves out the device that did. */
  | 'read-changes'
  /** This device's configuration has changed. */
  | 'read-configuration'
  /** What is written down of the folder's pause has changed. */
  | 'read-pause'
  /** Which folders are left out has changed. */
  | 'read-rules';

/** What is done for each instruction; the same one may come twice, and one that is not named here is for another part. */
export type Instructions = Readonly<Partial<Record<Instruction, () => void>>>;

const wakeFolder = (root: string): string => join(root, stateFolder, 'wake');

/**
 * Carries out the instructions that other commands give from now on. Where the system cannot watch, none arrives, and
 * the next reading of the changes finds what the command did.
 */
export function watchInstructions(root: string, instructions: Instructions): { close(): void } {
  const carryOut = (name: string | null): void => {
    if (name !== null && Object.hasOwn(instructions, name)) instructions[name as Instruction]?.();
  };
  try {
    mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
    return watch(wakeFolder(root), (_, name) => carryOut(name)).on('error', () => undefined);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return { close: () => undefined };
  }
}

/** So often an instruction is carried out that may have been given where none arrives, ms. */
const LOOK_MS = 10_000;

/** Carries out one instruction when it is given, and every ten seconds, for what has to be obeyed on any system. */
export function followInstruction(root: string, instruction: Instruction, look: () => void): { close(): void } {
  const instructions = watchInstructions(root, { [instruction]: look });
  const timer = setInterval(look, LOOK_MS);
  return {
    close: () => {
      clearInterval(timer);
      instructions.close();
    },
  };
}

/** Instructs the process that syncs this folder, if there is one and the disk takes it. */
export function instruct(root: string, instruction: Instruction): void {
  try {
    mkdirSync(wakeFolder(root), { recursive: true, mode: 0o700 });
    writeFileSync(join(wakeFolder(root), instruction), '');
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** Tells the process that syncs this folder to read the changes now. */
export function wakeSync(root: string): void {
  instruct(root, 'read-changes');
}
