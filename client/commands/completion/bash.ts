import type { Shape, Value } from './shape.ts';

/** Completion for bash 3.2 and newer; with nothing of ours to offer, bash completes names of files as it always does. */
export function bashCompletion(program: Shape): string {
  const all = flatten(program, '');
  const only = `_${program.name}_only`;
  const takesValue = program.options.filter(({ value }) => value !== undefined).map(({ long }) => `' ${long}'`);
  const commands = all.flatMap(({ path, shape }) => shape.commands.map(({ name }) => `'${path} ${name}'`));
  return `${only}() {
  compopt +o default +o bashdefault "$@" 2>/dev/null
}
_${program.name}() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${takesValue.join(' | ')}) ((i++)) ;;
      ${commands.join(' | ')}) command="\${command:+$command }\${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$command $before" in
${all.flatMap(({ path, shape }) => optionValues({ path, shape }, only)).join('\n')}
  esac
  local options operands only
  case "$command" in
${all.map(({ path, shape }) => words({ path, shape }, only)).join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$operands" -- "$word"))
    [[ -z $only ]] || $only
  fi
}
complete -o bashdefault -o default -F _${program.name} ${program.name}
`;
}

interface Located {
  readonly path: string;
  readonly shape: Shape;
}

/** All commands by the words that lead to them, one space between two; the program itself by none. */
function flatten(shape: Shape, path: string): Located[] {
  const inside = shape.commands.flatMap((each) => flatten(each, path === '' ? each.name : `${path} ${each.name}`));
  return [{ path, shape }, ...inside];
}

/** @param only the function that keeps bash from completing names of files */
function optionValues({ path, shape }: Located, only: string): string[] {
  return shape.options.flatMap(({ long, value }) => {
    if (value === undefined) return [];
    const { operands, instead } = offered(value, only);
    const reply = operands === '' ? '' : `COMPREPLY=($(compgen -W '${operands}' -- "$word")); `;
    return [`    '${path} ${long}') ${reply}${instead}${instead && '; '}return ;;`];
  });
}

function words({ path, shape: { options, operand, commands } }: Located, only: string): string {
  const flags = options.map(({ long }) => long).join(' ');
  const { operands, instead } = offered(
    commands.length > 0 ? commands.map(({ name }) => name) : (operand ?? 'other'),
    only,
  );
  return `    '${path}') options='${flags}' operands='${operands}' only='${instead}' ;;`;
}

/** The words for a value, and what is called so that names of files are not offered. */
function offered(value: Value, only: string): { operands: string; instead: string } {
  if (value === 'file') return { operands: '', instead: '' };
  if (value === 'folder') return { operands: '', instead: `${only} -o dirnames` };
  return { operands: value === 'other' ? '' : value.join(' '), instead: only };
}
