import type { OptionShape, Shape, Value } from './shape.ts';

/** Completion for zsh, to be read by `source` or found in `$fpath`. */
export function zshCompletion(program: Shape): string {
  const own = `_${program.name}`;
  return `#compdef ${program.name}
${functions(program, own).join('\n')}
if [[ $funcstack[1] == ${own} ]]; then ${own} "$@"; else compdef ${own} ${program.name}; fi
`;
}

/** A function for the command, and one for each that is in it. */
function functions(shape: Shape, name: string): string[] {
  const options = shape.options.map((option) => `    ${spec(option)}`);
  const inside = shape.commands.flatMap((each) => functions(each, `${name}_${each.name.replaceAll('-', '_')}`));
  if (shape.commands.length === 0) {
    const operand = shape.operand === undefined ? [] : [`    '1:argument:${action(shape.operand)}'`];
    return [`${name}() {\n  _arguments \\\n${[...options, ...operand].join(' \\\n')}\n}`];
  }
  const names = shape.commands.map((each) => `      '${each.name}:${quoted(each.description)}'`);
  const cases = shape.commands.map((each) => `      ${each.name}) ${name}_${each.name.replaceAll('-', '_')} ;;`);
  const own = `${name}() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C \\
${options.join(' \\\n')} \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command)
      local -a commands=(
${names.join('\n')}
      )
      _describe command commands ;;
    argument)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
  return [...inside, own];
}

function spec({ short, long, description, value }: OptionShape): string {
  const text = `[${quoted(description)}]${value === undefined ? '' : `:value:${action(value)}`}`;
  return short === undefined ? `'${long}${text}'` : `'(${short} ${long})'{${short},${long}}'${text}'`;
}

function action(value: Value): string {
  if (value === 'file') return '_files';
  if (value === 'folder') return '_files -/';
  return value === 'other' ? ' ' : `(${value.join(' ')})`;
}

function quoted(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''");
}
