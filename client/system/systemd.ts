import { join } from 'node:path';
import type { Act, Background, Manager } from './background.ts';

/** Exit codes after which only the user can help: starting again leads nowhere. See `tidemark --help`. */
const forTheUser = [2, 3, 4];

/** A word as `ExecStart` takes it; what follows the program may hold variables. */
function word(text: string, mayHoldVariables: boolean): string {
  const plain = quoted(text);
  return mayHoldVariables ? plain.replaceAll('$', '$$$$') : plain;
}

/** https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html#Quoting; `%` begins a specifier. */
function quoted(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\t', '\\t')
    .replaceAll('%', '%%');
  return `"${escaped}"`;
}

/** Systemd takes no program in whose name one of these is; as a word of another one it may be anything. */
const refused = /["'\\]/;

/** A unit for the user's own systemd: https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export function unitText({ name, description, words, environment }: Background): string {
  const started = refused.test(words[0]) ? ['/usr/bin/env', ...words] : words;
  const variables = Object.entries(environment).map(([key, value]) => `Environment=${quoted(`${key}=${value}`)}\n`);
  return `[Unit]
Description=${description.replaceAll('%', '%%').replace(/\s+/g, ' ')}
# It is tried again for as long as it takes.
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=${started.map((text, index) => word(text, index > 0)).join(' ')}
${variables.join('')}Restart=on-failure
RestartSec=10
# The command line, the sign-in, or a question to the user: the journal says which.
RestartPreventExitStatus=${forTheUser.join(' ')}
SyslogIdentifier=${name}
TimeoutStopSec=10

[Install]
WantedBy=default.target
`;
}

/** @param configHome where the user's configuration lies, `~/.config` */
export function systemd(background: Background, configHome: string): Manager {
  const unit = `${background.name}.service`;
  const place = join(configHome, 'systemd', 'user', unit);
  const control = (...words: string[]): Act => ({ do: 'run', words: ['systemctl', '--user', ...words] });
  return {
    kind: 'systemd',
    place,
    install: [
      // Where no systemd of this user runs, nothing is left behind.
      control('show-environment'),
      { do: 'write', place, bytes: Buffer.from(unitText(background)) },
      control('daemon-reload'),
      control('enable', unit),
      control('restart', unit),
    ],
    start: [control('start', unit)],
    stop: [control('stop', unit)],
    uninstall: [
      { do: 'run', words: ['systemctl', '--user', 'disable', '--now', unit], mayFail: true },
      { do: 'remove', place },
      { do: 'run', words: ['systemctl', '--user', 'daemon-reload'], mayFail: true },
    ],
    query: [
      'systemctl',
      '--user',
      'show',
      unit,
      '--property=ActiveState,SubState,ExecMainCode,ExecMainStatus,ActiveEnterTimestamp',
    ],
    describe: describeUnit,
  };
}

/** `CLD_EXITED` of waitid(2): the number is an exit code, and no signal. */
const EXITED = '1';

/** What `systemctl show` answers, in words. */
export function describeUnit(answer: string): string | undefined {
  const properties = new Map(
    answer.split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  const state = properties.get('ActiveState');
  if (state === undefined) return undefined;
  const [sub, since] = [properties.get('SubState'), properties.get('ActiveEnterTimestamp')];
  if (state === 'active') return `${state} (${sub})${since ? ` since ${since}` : ''}`;
  const status = properties.get('ExecMainStatus') ?? '0';
  const how = properties.get('ExecMainCode') === EXITED ? 'with exit code' : 'by signal';
  return `${state} (${sub})${status === '0' ? '' : `, ended ${how} ${status}`}`;
}
