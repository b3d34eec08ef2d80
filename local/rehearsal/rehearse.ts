import { randomBytes } from 'node:crypto';
import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cloud, startCloud } from '../cloud/cloud.ts';
import { Device } from '../demo/devices/device.ts';
import { formatBytes, formatDuration } from '../demo/format.ts';
import { firstDifference } from '../demo/tour/folders.ts';
import type { Log } from '../types.ts';
import { type Contents, contentsOf, isConflictCopy, lost } from './contents.ts';
import { type Audit, administer, audit } from './operator.ts';
import { ArchivedServer } from './point-in-time.ts';
import { type Recorded, recordedAt } from './recorded.ts';

const USER = { username: 'rehearsal@tidemark.example', password: 'Tidemark-demo-1' };
const PATIENCE_MS = 120_000;

export interface RehearsalOptions {
  /** Folder of the cloud assembly. */
  readonly assembly: string;
  /** An empty folder, for the cloud and the devices. */
  readonly data: string;
  /** The first of ten ports on 127.0.0.1. */
  readonly port: number;
  /** How many files the account has when the backup is taken. */
  readonly files: number;
  readonly log: Log;
  readonly print: (line: string) => void;
}

/** What a restore took and what became of everything. */
export interface Outcome {
  /** From the loss of the database until the service answered again. */
  readonly restoreMs: number;
  /** What the service had at the end, before the loss, and after the restore. */
  readonly before: Recorded;
  readonly restored: Recorded;
  readonly audit: Audit;
  /** Files of which a content that a device had is in no file in the end, nor in the restored service's history. */
  readonly lost: readonly string[];
  /** Files that were deleted or renamed after the moment, and are there again. */
  readonly cameBack: readonly string[];
  /** Files of which two devices had different contents in the end: both are there. */
  readonly conflicts: readonly string[];
  /** Files that the restored service did not have, and that devices brought. */
  readonly regained: readonly string[];
}

/**
 * Loses the database of a service at work, restores it to a moment before, and lets three devices come back: two that
 * went on working meanwhile, and one that signed in after the moment and comes when the others have brought the service
 * past what it had read.
 */
export async function rehearse(options: RehearsalOptions): Promise<Outcome> {
  const undo = new AsyncDisposableStack();
  const story = new Rehearsal(options, undo);
  try {
    await story.begin();
    await story.backUpAtWork();
    await story.workAfterTheMoment();
    const held = await story.lose();
    await story.restore();
    return await story.reconnect(held);
  } finally {
    await undo.disposeAsync();
  }
}

/** One rehearsal; its steps in order. */
class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #laptop: Device;
  readonly #desktop: Device;
  readonly #phone: Device;
  #server!: ArchivedServer;
  #cloud!: Cloud;
  #moment = '';
  #before!: Recorded;
  #restored!: Recorded;
  #restoreMs = 0;
  #audit!: Audit;

  constructor(options: RehearsalOptions, undo: AsyncDisposableStack) {
    this.#options = options;
    const device = (name: string) => new Device(name, join(options.data, name), join(options.data, 'config', name));
    [this.#laptop, this.#desktop, this.#phone] = [device('laptop'), device('desktop'), device('phone')];
    undo.defer(() => this.#cloud?.stop());
    for (const each of [this.#laptop, this.#desktop, this.#phone]) undo.defer(() => each.stopSync());
  }

  async begin(): Promise<void> {
    const { files, log } = this.#options;
    this.#server = await ArchivedServer.create(this.#cloudData, log);
    await this.#start();
    await this.#cloud.services.createUser(this.#cloud.outputs.UserPoolId!, USER);
    for (const device of [this.#laptop, this.#desktop]) {
      await this.#signIn(device);
      device.startSync((reason) => log(reason));
    }
    for (let index = 0; index < files; index++) await this.#save(this.#laptop, `report ${index}.txt`);
    await this.#alike(this.#laptop, this.#desktop);
  }

  async backUpAtWork(): Promise<void> {
    const working = new AbortController();
    const work = this.#saveOnAndOn(working.signal);
    const bytes = await this.#server.takeBaseBackup(this.#cloud.services.database);
    working.abort();
    await work;
    await this.#save(this.#laptop, 'report 0.txt');
    await this.#alike(this.#laptop, this.#desktop);
    this.#moment = await this.#server.now(this.#cloud.services.database);
    this.#options.print(
      `base backup of ${formatBytes(bytes)} while both devices worked; the moment is ${this.#moment}`,
    );
  }

  async workAfterTheMoment(): Promise<void> {
    const on = (path: string) => join(this.#desktop.folder, path);
    await this.#save(this.#desktop, 'made after.txt');
    await appendFile(on('report 1.txt'), 'edited after the moment\n');
    await rename(on('report 2.txt'), on('renamed after.txt'));
    await rm(on('report 3.txt'));
    await this.#alike(this.#laptop, this.#desktop);
    await this.#signIn(this.#phone);
    this.#phone.startSync((reason) => this.#options.log(reason));
    await this.#alike(this.#phone, this.#desktop);
    await this.#phone.stopSync();
    this.#before = await recordedAt(this.#cloud.services.database);
  }

  /** The database is lost. Answers what the devices have, each after edits that no service saw. */
  async lose(): Promise<Contents[]> {
    await this.#server.archiveAll(this.#cloud.services.database);
    await this.#cloud.stop();
    await this.#server.destroy();
    this.#options.print('the database is gone; both devices work on');
    await appendFile(join(this.#laptop.folder, 'report 1.txt'), 'edited while there was no service\n');
    await appendFile(join(this.#phone.folder, 'report 4.txt'), 'edited on a phone that was off\n');
    await this.#save(this.#laptop, 'made meanwhile.txt');
    return await Promise.all([this.#laptop, this.#desktop, this.#phone].map(({ folder }) => contentsOf(folder)));
  }

  async restore(): Promise<void> {
    const started = performance.now();
    await this.#server.restore(this.#moment);
    await this.#start();
    this.#restoreMs = performance.now() - started;
    this.#restored = await recordedAt(this.#cloud.services.database);
    this.#options.print(`restored and serving after ${formatDuration(this.#restoreMs)}`);
    await administer(this.#cloudData, ['restored']);
    this.#audit = await audit(this.#cloudData);
  }

  /** @param held what each device had when the database was lost */
  async reconnect(held: readonly Contents[]): Promise<Outcome> {
    await this.#alike(this.#laptop, this.#desktop);
    this.#options.print('laptop and desktop have merged with it');
    while ((await this.#recorded()).changes <= this.#before.changes) await this.#save(this.#laptop, 'made since.txt');
    await this.#alike(this.#laptop, this.#desktop);
    await this.#untilRefused(this.#phone);
    await this.#signIn(this.#phone);
    this.#phone.startSync((reason) => this.#options.log(reason));
    await this.#alike(this.#phone, this.#desktop);
    await this.#alike(this.#phone, this.#laptop);
    const final = await contentsOf(this.#laptop.folder);
    const there = [...final.keys()];
    const known = new Set(held.flatMap((contents) => [...contents.keys()]));
    return {
      restoreMs: this.#restoreMs,
      before: this.#before,
      restored: this.#restored,
      audit: this.#audit,
      lost: lost(held, final, this.#restored.contents),
      cameBack: there.filter((path) => this.#restored.paths.has(path) && !known.has(path)),
      conflicts: there.filter(isConflictCopy),
      regained: there.filter((path) => known.has(path) && !this.#restored.paths.has(path)),
    };
  }

  get #cloudData(): string {
    return join(this.#options.data, 'cloud');
  }

  async #start(): Promise<void> {
    const { assembly, port, log } = this.#options;
    this.#cloud = await startCloud({ assembly, data: this.#cloudData, port, log });
  }

  #recorded(): Promise<Recorded> {
    return recordedAt(this.#cloud.services.database);
  }

  #signIn(device: Device): Promise<void> {
    return device.signIn({ url: this.#cloud.urls.api, ca: this.#cloud.ca, ...USER });
  }

  async #save(device: Device, name: string): Promise<void> {
    await writeFile(join(device.folder, name), randomBytes(2000).toString('base64'));
  }

  async #saveOnAndOn(signal: AbortSignal): Promise<void> {
    for (let index = 0; !signal.aborted; index++) {
      await this.#save(this.#laptop, `during ${index % 5}.txt`);
      await sleep(300);
    }
  }

  /** Waits until two folders are the same and the service has what they have. */
  async #alike(one: Device, other: Device): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    for (;;) {
      const difference = await this.#difference(one, other);
      if (difference === undefined) return;
      if (Date.now() > end) throw new Error(`${one.name} and ${other.name} do not become alike: ${difference}`);
      await sleep(100);
    }
  }

  async #difference(one: Device, other: Device): Promise<string | undefined> {
    const folders = await firstDifference(one.folder, other.folder).catch((error: Error) => error.message);
    if (folders !== undefined) return folders;
    const here = await contentsOf(one.folder);
    const { paths } = await this.#recorded();
    const missing = [...here.keys()].find((path) => !paths.has(path));
    return missing === undefined ? undefined : `${missing} is not at the service`;
  }

  /** The service does not know a device that signed in after the moment: its sync ends and says so. */
  async #untilRefused(device: Device): Promise<void> {
    const reason = await new Promise<string>((resolve) => device.startSync(resolve));
    if (!reason.includes('sign in again')) throw new Error(reason);
    this.#options.print(`${device.name}, which signed in after the moment, has to sign in again`);
  }
}
