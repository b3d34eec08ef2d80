import type { Argument, Command, Option } from 'commander';

/** What is typed for a value: a file or folder of this machine, one of some words, or what no shell can know. */
export type Value = 'file' | 'folder' | 'other' | readonly string[];

/** What a shell has to know of a command. */
export interface Shape {
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionShape[];
  readonly operand: Value | undefined;
  readonly commands: readonly Shape[];
}

export interface OptionShape {
  readonly short: string | undefined;
  readonly long: string;
  readonly description: string;
  readonly value: Value | undefined;
}

/** What there is to complete of a command, of those in it, and of their options. */
export function shapeOf(command: Command): Shape {
  const help = { short: '-h', long: '--help', description: 'display help for command', value: undefined };
  return {
    name: command.name(),
    description: command.description(),
    options: [...command.options.map(optionShape), help],
    operand: command.registeredArguments.map(operandOf)[0],
    commands: command.commands.map(shapeOf),
  };
}

function optionShape(option: Option): OptionShape {
  const { short, long, description } = option;
  const placeholder = /<(.*)>/.exec(option.flags)?.[1];
  const value = placeholder === undefined ? undefined : (option.argChoices ?? kindOf(placeholder));
  return { short, long: long!, description, value };
}

function operandOf(argument: Argument): Value {
  return argument.argChoices ?? kindOf(argument.name());
}

/** The words that help texts have for paths. */
function kindOf(placeholder: string): Value {
  if (['dir', 'folder'].includes(placeholder)) return 'folder';
  return ['file', 'path'].includes(placeholder) ? 'file' : 'other';
}
