import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Act, type Background, keptEnvironment, nameFor } from '../../client/system/background.ts';
import { carryOut } from '../../client/system/carry-out.ts';
import { agentText, describeAgent } from '../../client/system/launchd.ts';
import { logFileFor, type Machine, managerFor } from '../../client/system/manager.ts';
import { describeUnit, unitText } from '../../client/system/systemd.ts';
import { taskText, windowsWord } from '../../client/system/task-scheduler.ts';
import { ServiceStatus } from '../../protocol/output/service-status.ts';
import { openAccount } from './account.ts';
import { temporaryFolder } from './folder.ts';

const background: Background = {
  name: 'tidemark',
  description: 'Tidemark keeps a folder in sync',
  words: ['/opt/tidemark', '--config', '/home/me/.config/tidemark', 'sync'],
  environment: {},
};

describe('what the system is told', () => {
  const machine: Machine = {
    platform: 'linux',
    home: '/home/me',
    uid: 1000,
    environment: { LOCALAPPDATA: 'C:\\Users\\me\\AppData\\Local', USERDOMAIN: 'DESK', USERNAME: 'me' },
  };
  const told = (acts: readonly Act[]): string[] =>
    acts.map((act) => (act.do === 'run' ? act.words.join(' ') : `${act.do} ${act.place}`));

  test.each([
    [
      'linux',
      'install',
      'systemctl --user show-environment',
      'write /home/me/.config/systemd/user/tidemark.service',
      'systemctl --user daemon-reload',
      'systemctl --user enable tidemark.service',
      'systemctl --user restart tidemark.service',
    ],
    ['linux', 'start', 'systemctl --user start tidemark.service'],
    ['linux', 'stop', 'systemctl --user stop tidemark.service'],
    [
      'linux',
      'uninstall',
      'systemctl --user disable --now tidemark.service',
      'remove /home/me/.config/systemd/user/tidemark.service',
      'systemctl --user daemon-reload',
    ],
    [
      'darwin',
      'install',
      'write /home/me/Library/LaunchAgents/tidemark.plist',
      'launchctl bootout gui/1000/tidemark',
      'launchctl bootstrap gui/1000 /home/me/Library/LaunchAgents/tidemark.plist',
    ],
    [
      'darwin',
      'start',
      'launchctl bootstrap gui/1000 /home/me/Library/LaunchAgents/tidemark.plist',
      'launchctl kickstart gui/1000/tidemark',
    ],
    ['darwin', 'stop', 'launchctl bootout gui/1000/tidemark'],
    [
      'darwin',
      'uninstall',
      'launchctl bootout gui/1000/tidemark',
      'remove /home/me/Library/LaunchAgents/tidemark.plist',
    ],
    [
      'win32',
      'install',
      'write C:\\Users\\me\\AppData\\Local\\tidemark\\tidemark.xml',
      'schtasks /Create /TN tidemark /XML C:\\Users\\me\\AppData\\Local\\tidemark\\tidemark.xml /F',
      'schtasks /End /TN tidemark',
      'schtasks /Run /TN tidemark',
    ],
    ['win32', 'start', 'schtasks /Run /TN tidemark'],
    ['win32', 'stop', 'schtasks /End /TN tidemark'],
    [
      'win32',
      'uninstall',
      'schtasks /End /TN tidemark',
      'schtasks /Delete /TN tidemark /F',
      'remove C:\\Users\\me\\AppData\\Local\\tidemark\\tidemark.xml',
    ],
  ] as const)('on %s to %s', (platform, what, ...acts) => {
    expect(told(managerFor(background, { ...machine, platform })![what])).toEqual(acts);
  });

  test('is nothing on a system that nobody here knows', () => {
    expect(managerFor(background, { ...machine, platform: 'sunos' })).toBeUndefined();
  });

  test.each([
    ['linux', undefined],
    ['darwin', '/home/me/Library/Logs/tidemark/tidemark.log'],
    ['win32', 'C:\\Users\\me\\AppData\\Local\\tidemark\\tidemark.log'],
  ] as const)('and on %s where its log is', (platform, log) => {
    expect(logFileFor('tidemark', { ...machine, platform })).toBe(log);
  });
});

test('each configuration has a name of its own, and the usual one the plain name', () => {
  const usual = '/home/me/.config/tidemark';
  expect(nameFor(usual, usual)).toBe('tidemark');
  const [one, other] = [nameFor('/home/me/my work!', usual), nameFor('/srv/my work!', usual)];
  expect(one).toMatch(/^tidemark-my-work--[0-9a-f]{6}$/);
  expect(other).not.toBe(one);
});

test('of the environment goes along what leads to the network', () => {
  expect(keptEnvironment({ HTTPS_PROXY: 'http://proxy:8080', no_proxy: '', PATH: '/bin', HOME: '/home/me' })).toEqual({
    HTTPS_PROXY: 'http://proxy:8080',
  });
});

describe('a unit of systemd', () => {
  /** Reads a unit as systemd does, and answers what it complains about. */
  async function complaints(place: string): Promise<string> {
    const env = { PATH: process.env.PATH, XDG_RUNTIME_DIR: await temporaryFolder() };
    const words = ['verify', '--user', place];
    const { status, stdout, stderr } = spawnSync('systemd-analyze', words, { env, encoding: 'utf8' });
    return status === 0 && !stderr.includes('tidemark') ? '' : stdout + stderr;
  }
  const isThere = spawnSync('systemd-analyze', ['--version']).status === 0;

  test('is started again when it fails, but not for what only the user can mend', () => {
    const text = unitText(background);
    expect(text).toContain('\nExecStart="/opt/tidemark" "--config" "/home/me/.config/tidemark" "sync"\n');
    expect(text).toMatch(/\nRestart=on-failure\n[\s\S]*\nRestartPreventExitStatus=2 3 4\n/);
    expect(text).toContain('\nWantedBy=default.target\n');
  });

  test.skipIf(!isThere)('is one that systemd-analyze takes, whatever the names hold', async () => {
    const folder = join(await temporaryFolder(), 'a "strange" \\ 100% $HOME ü');
    await mkdir(folder);
    const program = join(folder, 'tidemark');
    await writeFile(program, '#!/bin/sh\n');
    await chmod(program, 0o755);
    const place = join(await temporaryFolder(), 'tidemark.service');
    const environment = { HTTPS_PROXY: 'http://me:p%40"$\\ss@proxy' };
    await writeFile(place, unitText({ ...background, words: [program, '--config', folder], environment }));
    expect(await complaints(place)).toBe('');
    await writeFile(place, unitText({ ...background, words: [program.replaceAll(/["\\]/g, ''), 'a'] }));
    expect(await complaints(place)).toMatch(/a strange {2}100% \$HOME ü\/tidemark is not executable/);
    await writeFile(place, unitText({ ...background, words: [`/opt/tidemark-that-is-not-there`] }));
    expect(await complaints(place)).toMatch(/that-is-not-there is not executable/);
  });

  test.each([
    [
      'ActiveState=active\nSubState=running\nExecMainCode=0\nExecMainStatus=0\nActiveEnterTimestamp=Mon',
      'active (running) since Mon',
    ],
    [
      'ActiveState=failed\nSubState=failed\nExecMainCode=1\nExecMainStatus=3\nActiveEnterTimestamp=Mon',
      'failed (failed), ended with exit code 3',
    ],
    [
      'ActiveState=activating\nSubState=auto-restart\nExecMainCode=2\nExecMainStatus=9\nActiveEnterTimestamp=',
      'activating (auto-restart), ended by signal 9',
    ],
    ['ActiveState=inactive\nSubState=dead\nExecMainCode=0\nExecMainStatus=0\nActiveEnterTimestamp=', 'inactive (dead)'],
    ['', undefined],
  ])('of which it says %j', (answer, words) => {
    expect(describeUnit(answer)).toBe(words);
  });
});

describe('an agent of launchd', () => {
  test('is a property list with the words as they are', () => {
    const text = agentText({ ...background, words: ['/opt/a & b', '<c>'], environment: { NO_PROXY: '"x"' } });
    expect(text).toContain('    <string>/opt/a &amp; b</string>\n    <string>&lt;c&gt;</string>\n');
    expect(text).toContain('    <key>NO_PROXY</key>\n    <string>&quot;x&quot;</string>\n');
    expect(text).toMatch(/<key>SuccessfulExit<\/key>\s+<false\/>/);
    const python = 'import plistlib, sys; print(plistlib.loads(sys.stdin.buffer.read())["ProgramArguments"])';
    const read = spawnSync('python3', ['-c', python], { input: text, encoding: 'utf8' });
    if (!read.error) expect(read.stdout).toBe("['/opt/a & b', '<c>']\n");
  });

  test.each([
    ['gui/501/tidemark = {\n\tstate = running\n\tlast exit code = (never exited)\n', 'running'],
    ['gui/501/tidemark = {\n\tstate = not running\n\tlast exit code = 3\n', 'not running, ended with exit code 3'],
    ['', undefined],
  ])('of which it says %j', (answer, words) => {
    expect(describeAgent(answer)).toBe(words);
  });
});

describe('a task of Windows', () => {
  test.each([
    ['plain', 'plain'],
    ['', '""'],
    ['C:\\Program Files\\x', '"C:\\Program Files\\x"'],
    ['ends in \\', '"ends in \\\\"'],
    ['a "b" c', '"a \\"b\\" c"'],
    ['a\\"b', '"a\\\\\\"b"'],
    ['C:\\plain\\', 'C:\\plain\\'],
  ])('takes the word %j as %j', (text, word) => {
    expect(windowsWord(text)).toBe(word);
  });

  test('runs without a window or a limit of time, and is written as UTF-16 with its mark', () => {
    const words = ['C:\\a & b\\tidemark.exe', 'sync'] as const;
    expect(taskText({ ...background, words }, 'DESK\\me')).toMatch(
      /<Command>conhost.exe<\/Command>\s+<Arguments>--headless &quot;C:\\a &amp; b\\tidemark.exe&quot; sync<\/Arguments>/,
    );
    const [write] = managerFor(background, { platform: 'win32', home: 'C:\\me', uid: 0, environment: {} })!.install;
    expect(write).toMatchObject({ do: 'write', place: 'C:\\me\\AppData\\Local\\tidemark\\tidemark.xml' });
    expect([...(write as { bytes: Uint8Array }).bytes.subarray(0, 4)]).toEqual([0xff, 0xfe, 0x3c, 0]);
  });
});

test('what is told fails with what the system says, at the first that must not fail', async () => {
  const place = join(await temporaryFolder(), 'deep/file');
  const acts: Act[] = [
    { do: 'write', place, bytes: Buffer.from('x') },
    { do: 'run', words: ['false'], mayFail: true },
    { do: 'run', words: ['sh', '-c', 'echo no bus >&2; exit 1'] },
    { do: 'remove', place },
  ];
  await expect(carryOut(acts)).rejects.toThrow('sh -c echo no bus >&2; exit 1: no bus');
  expect(existsSync(place)).toBe(true);
  await expect(carryOut([{ do: 'run', words: ['no-such-program'] }])).rejects.toThrow('it is not on this machine');
});

/** A user instance of systemd in namespaces of its own, where root may make them; all in it ends with the script. */
const instance = `
mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system "$XDG_RUNTIME_DIR" || exit 9
/usr/lib/systemd/systemd --user --unit=basic.target >/dev/null 2>&1 &
for i in $(seq 100); do systemctl --user show-environment >/dev/null 2>&1 && break; sleep 0.1; done
tidemark() { "$NODE" "$MAIN" --config "$CONFIG" service "$@" --json; }
tidemark install "$FOLDER"
kill -9 "$(systemctl --user show "$UNIT" --property=MainPID --value)"
sleep 1; tidemark status
for i in $(seq 150); do sleep 0.2; tidemark status >/dev/null && break; done; tidemark status
tidemark stop; tidemark start; tidemark uninstall`;
const mayRunSystemd =
  process.getuid?.() === 0 &&
  existsSync('/usr/lib/systemd/systemd') &&
  spawnSync('unshare', ['-mpf', '--mount-proc', 'true']).status === 0;

test.skipIf(!mayRunSystemd)(
  'systemd runs a sync, starts it again when it is killed, and forgets it',
  {
    timeout: 180_000,
  },
  async () => {
    const account = await openAccount();
    onTestFinished(() => account.close());
    const desk = await account.device('desk');
    const home = await temporaryFolder();
    const [main, , config] = account.commandOf(desk) as [string, string, string];
    const UNIT = `${nameFor(config, '')}.service`;
    const env = {
      ...{ PATH: process.env.PATH, HOME: home, XDG_RUNTIME_DIR: join(home, 'run'), NODE: process.execPath },
      ...{ MAIN: main, CONFIG: config, FOLDER: desk.folder, UNIT },
    };
    const { stdout, stderr } = spawnSync('unshare', ['-mpf', '--mount-proc', 'sh', '-c', instance], {
      env,
      encoding: 'utf8',
    });
    const said = stdout
      .trim()
      .split('\n')
      .map((line) => ServiceStatus.parse(JSON.parse(line)));
    expect(stderr).toBe('');
    const state = (pattern: RegExp) => expect.stringMatching(pattern);
    expect(said).toMatchObject([
      { installed: true, running: true, folder: desk.folder, state: state(/^active \(running\) since/) },
      { installed: true, running: false, state: state(/auto-restart.*ended by signal 9/) },
      { installed: true, running: true, state: state(/^active/) },
      { installed: true, running: false, state: state(/^inactive/) },
      { installed: true, running: true, state: state(/^active/) },
      { installed: false, running: false },
    ]);
  },
);

test('without a manager a person is told so, and what else there is; nothing is left behind', async () => {
  const account = await openAccount();
  onTestFinished(() => account.close());
  const desk = await account.device('desk');
  const manager = spawnSync('systemctl', ['--user', 'show-environment']).status === 0;
  if (process.platform !== 'linux' || manager) return;
  await expect(desk.run(['service', 'install', desk.folder])).rejects.toThrow(
    /'tidemark sync' can be run by other means/,
  );
  await expect(desk.run(['service', 'status'])).rejects.toThrow(/: not installed\n/);
  await expect(desk.run(['service', 'start'])).rejects.toThrow(/run 'tidemark service install'/);
});
