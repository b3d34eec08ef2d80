import { win32 } from 'node:path';
import type { Act, Background, Manager } from './background.ts';
import { xml } from './xml.ts';

/** A word as the runtime of C on Windows takes it apart again: backslashes count only before a quotation mark. */
export function windowsWord(text: string): string {
  if (text !== '' && !/[\s"]/.test(text)) return text;
  return `"${text.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

/**
 * A task that begins with the user's sign-in, without a time limit or a window, also on battery.
 * https://learn.microsoft.com/windows/win32/taskschd/task-scheduler-schema
 *
 * @param user as `DOMAIN\name`
 */
export function taskText({ description, words }: Background, user: string): string {
  // Hides the window that the console program would have.
  const [command, ...rest] = ['conhost.exe', '--headless', ...words];
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>${xml(description)}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <UserId>${xml(user)}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="user">
      <UserId>${xml(user)}</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="user">
    <Exec>
      <Command>${xml(command!)}</Command>
      <Arguments>${xml(rest.map(windowsWord).join(' '))}</Arguments>
    </Exec>
  </Actions>
</Task>
`;
}

/** @param localData where the user's programs keep what stays on this machine, `%LOCALAPPDATA%` */
export function taskScheduler(
  background: Background,
  { localData, user }: { localData: string; user: string },
): Manager {
  const { name } = background;
  const place = win32.join(localData, 'tidemark', `${name}.xml`);
  const control = (...words: string[]): Act & { do: 'run' } => ({ do: 'run', words: ['schtasks', ...words] });
  const end: Act = { ...control('/End', '/TN', name), mayFail: true };
  return {
    kind: 'the task scheduler',
    place,
    install: [
      // With the mark at its beginning by which UTF-16 is told.
      { do: 'write', place, bytes: Buffer.from(`\ufeff${taskText(background, user)}`, 'utf16le') },
      control('/Create', '/TN', name, '/XML', place, '/F'),
      end,
      control('/Run', '/TN', name),
    ],
    start: [control('/Run', '/TN', name)],
    stop: [end],
    uninstall: [end, { ...control('/Delete', '/TN', name, '/F'), mayFail: true }, { do: 'remove', place }],
    query: ['schtasks', '/Query', '/TN', name, '/FO', 'LIST'],
    // Its words are those of the user's language.
    describe: () => undefined,
  };
}
