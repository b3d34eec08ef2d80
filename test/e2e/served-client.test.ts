import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { synthesize } from '../../local/demo/synthesize.ts';
import { ClientRelease } from '../../protocol/client-release.ts';
import { Update } from '../../protocol/output/update.ts';
import type { ServiceResponse } from '../../protocol/service.ts';
import { endOf, Home } from '../support/home.ts';
import { freePorts } from '../support/ports.ts';
import { codeOf, newKey, packageVersion } from '../support/releases.ts';
import { scratch } from '../support/scratch.ts';
import { type Service, startService } from '../support/service.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { soon } from '../support/soon.ts';

const [first, second] = [newKey(), newKey()];
const { username, password } = { username: `${randomUUID()}@tidemark.example`, password: 'Correct-horse-1' };
const folder = await scratch('tidemark-served-');

let service: Service | undefined;
let api: string;
let ca: string;
/** The line that users are given, up to the pipe. */
let line: string;

/** Deploys the client of a folder; over what is there already, if anything is. */
async function deploy(client: string): Promise<void> {
  const assembly = join(folder, `assembly-${randomUUID()}`);
  await synthesize(assembly, { profile: 'team', client });
  const port = service ? Number(new URL(api).port) : await freePorts(10);
  await service?.stop();
  service = await startService(assembly, { data: join(folder, 'data'), port });
  [api, ca] = [service.cloud.urls.api, service.cloud.ca];
  line = `curl --cacert ${ca} -fsSL ${api}/install`;
}

beforeAll(async () => {
  await deploy(await packageVersion('0.1.0', [first], folder));
  await service!.cloud.services.createUser(service!.cloud.outputs.UserPoolId!, { username, password });
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

const done = (said: unknown) => ({ status: 0, stdout: expect.stringContaining(`${said}`) });
const refused = (status: number, said: string) => ({ status, stderr: expect.stringContaining(said) });

test('one line in a shell installs, asks who it is, signs in and says how the folder is synced', async () => {
  const home = await Home.in(folder);
  const child = spawn('script', ['-qec', `${line} | sh -s -- --ca ${ca}`, '/dev/null'], {
    ...{ env: home.env, cwd: home.path },
  });
  let seen = '';
  const answers = [
    ['User name: ', username],
    ['Password: ', password],
  ];
  child.stdout.on('data', (bytes) => {
    seen += bytes;
    if (!answers[0] || !seen.endsWith(answers[0][0]!)) return;
    child.stdin.write(`${answers.shift()![1]}\n`);
  });
  const { status, stdout } = await endOf(child);
  expect({ status, stdout }).toEqual(done(`signed in as ${username}`));
  expect(stdout).toContain(`add ${home.path}/.local/bin to your PATH`);
  // There is no systemd of this user.
  expect(stdout).toContain(`${home.program} sync ${home.path}/Tidemark`);
  expect(stdout).not.toContain(password);
  expect(await home.version()).toBe('0.1.0');

  await mkdir(join(home.path, 'Tidemark'), { recursive: true });
  await writeFile(join(home.path, 'Tidemark/note'), 'a note');
  expect(await home.tidemark(['sync', join(home.path, 'Tidemark'), '--once'])).toMatchObject({ status: 0, stderr: '' });
  // Once more it is the same client, and asks nothing.
  expect(await home.shell(`${line} | sh -s -- --ca ${ca}`)).toMatchObject(done('signed in already'));
  expect(await readdir(join(home.path, '.local/lib'))).toEqual(['tidemark']);
});

test('without a terminal the line installs, and says what comes next', async () => {
  const home = await Home.in(folder);
  expect(await home.shell(`${line} | sh -s -- --ca ${ca}`)).toMatchObject(done('--user NAME'));
  expect(await home.version()).toBe('0.1.0');
});

test('a script that breaks off does nothing at all, wherever that is', async () => {
  const home = await Home.in(folder);
  const { stdout: script } = await home.shell(line);
  const last = script.lastIndexOf('main "$@"');
  expect(last).toBeGreaterThan(3000);
  for (let length = 0; length <= last; length += 97) {
    await home.run('sh', ['-s', '--', '--ca', ca], script.slice(0, length));
    expect(await readdir(home.path), `after ${length} bytes`).toEqual([]);
  }
});

test.each([
  [
    'something else comes than the service gives',
    /sha256=[0-9a-f]{8}/g,
    'sha256=00000000',
    'not what the service gives',
  ],
  ['nothing comes', /archive=tidemark/g, 'archive=another', 'does not come'],
  ['it does not run here', /= 0\.1\.0 \]/g, '= 0.1.1 ]', 'does not run on this machine'],
  ['there is none for the system', /(linux|darwin)-\w+\)/g, 'plan9-mips)', 'npm install --global https://'],
])('nothing is installed when %s', async (_, pattern, replacement, why) => {
  const home = await Home.in(folder);
  const { stdout: script } = await home.shell(line);
  expect(await home.run('sh', ['-s', '--', '--ca', ca], script.replace(pattern, replacement))).toMatchObject(
    refused(1, why),
  );
  expect(await home.shell('find . -type f -o -type l')).toMatchObject({ stdout: '' });
});

test('who has the client by npm is told what npm has to do, and npm does it', async () => {
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, NODE_EXTRA_CA_CERTS: ca };
  const home = await Home.in(folder, 'bin/tidemark', env);
  const { client } = (await (await fetch(`${api}/service`)).json()) as ServiceResponse;
  const { files } = ClientRelease.parse(JSON.parse(client!.release!.text));
  const install = ['install', '--global', '--prefix', home.path, `${client!.release!.url}/${files.npm!.name}`];
  expect(await home.run('npm', install)).toMatchObject({ status: 0 });
  const signIn = ['login', api, '--ca', ca, '--user', username, '--password-stdin'];
  expect(await home.tidemark(signIn, password)).toMatchObject(done('signed in'));
  const code = `#!/usr/bin/env node\n${await codeOf('0.0.9')}`;
  await writeFile(join(home.path, 'lib/node_modules/tidemark/tidemark.cjs'), code);
  expect(await home.version()).toBe('0.0.9');
  expect(await home.tidemark(['update'])).toMatchObject(refused(1, `npm ${install.toSpliced(2, 2).join(' ')}`));
  expect(await home.run('npm', install)).toMatchObject({ status: 0 });
  expect(await home.version()).toBe('0.1.0');
});

/** Installs the service of the system, with what of systemctl it calls. */
async function runInBackground(home: Home): Promise<void> {
  await mkdir(join(home.path, 'bin'));
  const systemctl = `#!/bin/sh
cd "$HOME"
shift
case $1 in stop | restart) [ ! -f pid ] || { kill $(cat pid); tail --pid $(cat pid) -f /dev/null; rm pid; } ;; esac
case $1 in
  start | restart)
    eval "set -- $(sed -n 's/^ExecStart=//p' .config/systemd/user/tidemark.service)"
    "$@" >log 2>&1 3>&- &
    echo $! >pid
    ;;
  show) echo ActiveState=active ;;
esac
`;
  await writeFile(join(home.path, 'bin/systemctl'), systemctl, { mode: 0o755 });
  expect(await home.tidemark(['service', 'install', join(home.path, 'Tidemark')])).toMatchObject(done('installed'));
  await untilRunning(home);
}

async function untilRunning(home: Home): Promise<void> {
  const status = async () => (await home.tidemark(['service', 'status', '--json'])).stdout;
  await soon(async () => expect(JSON.parse(await status())).toMatchObject({ running: true }));
}

/** Installs without a terminal, and signs in. */
async function installed(): Promise<Home> {
  const home = await Home.in(folder);
  const words = `--ca ${ca} --user ${username} --password-stdin`;
  expect(await home.shell(`${line} > install && sh install ${words}`, password)).toMatchObject(done('signed in'));
  return home;
}

test('a client that the service does not take any more says what to do', async () => {
  const home = await installed();
  const old = join(home.path, 'old.cjs');
  await writeFile(old, await codeOf('0.0.9'));
  const call = (...words: string[]) => home.run(process.execPath, [old, ...words]);
  const signIn = ['login', api, '--ca', ca, '--user', username];
  expect(await call(...signIn)).toMatchObject(refused(4, `curl -fsSL ${api}/install | sh`));
  await mkdir(join(home.path, 'Tidemark'), { recursive: true });
  expect(await call('sync', join(home.path, 'Tidemark'))).toMatchObject(refused(4, "run 'tidemark update'"));
  expect(await call('devices')).toMatchObject(refused(1, "run 'tidemark update'"));
});

test('an update takes the place of the program, and the key of the releases to come that of the one before', {
  // Two clients are packed, and deployed.
  timeout: 600_000,
}, async () => {
  const home = await installed();
  const update = async () => Update.parse(JSON.parse((await home.tidemark(['update', '--json'])).stdout));
  const { release_key: before } = await home.configuration();
  expect(await update()).toEqual({ from: '0.1.0', to: '0.1.0', updated: false, restarted: false });

  await runInBackground(home);

  await deploy(await packageVersion('0.2.0', [second, first], folder));
  expect(await home.tidemark(['doctor'])).toMatchObject({
    stdout: expect.stringContaining("'tidemark update' replaces this one"),
  });
  expect(await update()).toEqual({ from: '0.1.0', to: '0.2.0', updated: true, restarted: true });
  expect(await home.version()).toBe('0.2.0');
  await untilRunning(home);
  const running = await readlink(`/proc/${(await readFile(join(home.path, 'pid'), 'utf8')).trim()}/exe`);
  expect(running).toBe(await realpath(home.program));
  await home.tidemark(['service', 'stop']);

  expect(await readFile(join(home.path, '.local/lib/tidemark/THIRD-PARTY-LICENSES'), 'utf8')).toContain('each package');
  expect((await home.configuration()).release_key).not.toBe(before);

  const older = join(folder, 'dist-0.1.5');
  await writeSmallRelease(older, '0.1.5', second);
  await deploy(older);
  expect(await home.tidemark(['update'])).toMatchObject(refused(1, 'older than this one'));
  expect(await home.version()).toBe('0.2.0');
});
