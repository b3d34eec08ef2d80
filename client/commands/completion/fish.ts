import type { OptionShape, Shape, Value } from './shape.ts';

/** Completion for fish; it completes names of files by itself where nothing says otherwise. */
export function fishCompletion(program: Shape): string {
  const complete = `complete --command ${program.name}`;
  const lines = linesOf(program, '', program);
  return `${lines.map((line) => `${complete} ${line}`).join('\n')}\n`;
}

/** @param when the words by which fish tells that this command is being typed; empty for the program */
function linesOf(shape: Shape, when: string, program: Shape): string[] {
  const names = shape.commands.map(({ name }) => name);
  const isHere = [when, names.length > 0 ? `not __fish_seen_subcommand_from ${names.join(' ')}` : '']
    .filter(Boolean)
    .join('; and ');
  const options = shape.options.map((option) => `${condition(isHere)} ${describeOption(option)}`);
  if (names.length === 0) return [...options, `${condition(isHere)} ${candidatesOf(shape.operand ?? 'other')}`];
  const commands = shape.commands.map(
    ({ name, description }) =>
      `${condition(isHere)} --no-files --arguments ${name} --description ${quoted(description)}`,
  );
  const inside = shape.commands.flatMap((each) => {
    const others = shape === program ? holding(program, each.name) : [];
    const apart = others.length > 0 ? `; and not __fish_seen_subcommand_from ${others.join(' ')}` : '';
    const own = `__fish_seen_subcommand_from ${each.name}${apart}`;
    return linesOf(each, when === '' ? own : `${when}; and ${own}`, program);
  });
  return [...options, ...commands, ...inside];
}

/** The commands that have one of this name in them: it is theirs when it comes after their name. */
function holding({ commands }: Shape, name: string): string[] {
  return commands.filter((each) => each.commands.some((inside) => inside.name === name)).map((each) => each.name);
}

function condition(when: string): string {
  return `--condition ${quoted(when)}`;
}

function describeOption({ short, long, description, value }: OptionShape): string {
  const name = `${short === undefined ? '' : `--short-option ${short.slice(1)} `}--long-option ${long.slice(2)}`;
  const needed = value === undefined ? '' : ` --require-parameter ${candidatesOf(value)}`.trimEnd();
  return `${name} --description ${quoted(description)}${needed}`;
}

function candidatesOf(value: Value): string {
  if (value === 'file') return '--force-files';
  if (value === 'folder') return "--no-files --arguments '(__fish_complete_directories)'";
  return value === 'other' ? '--no-files' : `--no-files --arguments ${quoted(value.join(' '))}`;
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
