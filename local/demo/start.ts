/* `npm start`: a local cloud with two devices whose folders stay identical, and the tour that shows what it does. */

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { Device } from './devices/device.ts';
import { keepSyncing } from './devices/keep-syncing.ts';
import { printLiveLines } from './devices/live-lines.ts';
import { formatDuration } from './format.ts';
import { Problems } from './problems.ts';
import { synthesize } from './synthesize.ts';
import { runTour } from './tour/tour.ts';

const help = `Runs the whole of Tidemark on this machine: the service that 'cdk deploy' would deploy, and two devices.

  npm start                 keep two folders identical until Ctrl-C
  npm start -- --tour       a scripted tour that ends by itself; exit code 0 when both folders are identical

Options
  --json           with --tour: print the figures as one line of JSON at the end
  --data DIR       where everything is kept (default: tidemark-data; the tour starts with an empty tidemark-data/tour)
  --port N         first of ten ports on 127.0.0.1 (default: 4400, the tour 4420)
  --profile NAME   deployment profile to run: dev, team or internet (default: team)
  --clusters N     database clusters for the metadata, 1 to 4 (default: 1)

KAFKA_BROKERS=host:port[,…] uses that Apache Kafka instead of the embedded stream.`;

const DEMO = { username: 'demo@tidemark.example', password: 'Tidemark-demo-1' };

const { values } = parseArgs({
  options: {
    tour: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    data: { type: 'string' },
    port: { type: 'string' },
    profile: { type: 'string', default: 'team' },
    clusters: { type: 'string', default: '1' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const print = (line: string): void => console.log(line);

if (values.help) {
  print(help);
} else {
  await main().catch((error: Error) => {
    console.error(`\n${error.message}`);
    process.exit(1);
  });
}

async function main(): Promise<void> {
  const started = performance.now();
  const data = resolve(values.data ?? (values.tour ? 'tidemark-data/tour' : 'tidemark-data'));
  if (values.tour) await rm(data, { recursive: true, force: true });
  const firstTime = !existsSync(data);

  print('synthesizing the CDK app …');
  const assembly = join(data, 'cdk.out');
  const gives = existsSync('dist/client.json');
  await synthesize(assembly, {
    ...{ profile: values.profile, clusters: values.clusters },
    ...(gives && { client: 'dist' }),
  });
  const problems = new Problems();
  print(`starting its ${firstTime ? 'local cloud for the first time' : 'local cloud'} …`);
  const cloud = await startCloud({
    assembly,
    data: join(data, 'cloud'),
    port: port(),
    log: (line, kind) => {
      if (kind === 'note' || problems.add(line)) print(`  ${line}`);
    },
  });

  const devices = ['laptop', 'desktop'].map((name) => new Device(name, join(data, name), join(data, 'config', name)));
  const [laptop, desktop] = devices as [Device, Device];
  const stop = stopOnce(cloud, devices);
  process.on('SIGINT', () => stop(0));
  process.on('SIGTERM', () => stop(0));
  const startSync = (device: Device): void =>
    values.tour
      ? device.startSync((reason) => {
          console.error(`\n${reason}`);
          stop(1);
        })
      : keepSyncing(device, print);

  try {
    await signIn(cloud, devices);
    if (values.tour) {
      for (const device of devices) startSync(device);
      print(`ready after ${formatDuration(performance.now() - started)}; the tour:`);
      await runTour({ laptop, desktop, startSync, problems }, values.json, print);
      await stop(0);
    } else {
      printLiveLines(devices, print);
      for (const device of devices) startSync(device);
      print(welcome(cloud, laptop, desktop, performance.now() - started));
      if (gives) print(installLine(cloud));
    }
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    await stop(1);
  }
}

function port(): number {
  const value = Number(values.port ?? (values.tour ? 4420 : 4400));
  if (Number.isInteger(value) && value > 1023 && value < 65_526) return value;
  throw new Error(`--port ${values.port} is not a port: give a number from 1024 to 65525`);
}

async function signIn(cloud: Cloud, devices: readonly Device[]): Promise<void> {
  await cloud.services.createUser(cloud.outputs.UserPoolId!, DEMO);
  for (const device of devices) await device.signIn({ url: cloud.urls.api, ca: cloud.ca, ...DEMO });
}

function stopOnce(cloud: Cloud, devices: readonly Device[]): (code: number) => Promise<never> {
  let stopping: Promise<never> | undefined;
  const stop = async (code: number): Promise<never> => {
    await Promise.all(devices.map((device) => device.stopSync()));
    await cloud.stop();
    process.exit(code);
  };
  return (code) => (stopping ??= stop(code));
}

/** How the client of `dist/` comes to this machine, or to another home on it. */
function installLine({ ca, urls }: Cloud): string {
  return `The client that npm run package left in dist/ is installed by

  curl --cacert ${ca} -fsSL ${urls.api}/install | sh -s -- --ca ${ca} --user ${DEMO.username}
`;
}

function welcome(cloud: Cloud, laptop: Device, desktop: Device, milliseconds: number): string {
  return `
Tidemark runs, after ${formatDuration(milliseconds)}. Two devices keep these folders identical:

  ${laptop.folder}
  ${desktop.folder}

Save, rename or delete something in either, and watch the other. A third device, from another shell:

  npx tidemark --config /tmp/tablet login ${cloud.urls.api} --user ${DEMO.username} --ca ${cloud.ca}
  npx tidemark --config /tmp/tablet sync /tmp/tablet-folder      (the password is ${DEMO.password})

Ctrl-C stops everything; the data stays.
`;
}
