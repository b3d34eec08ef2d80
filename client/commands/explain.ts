import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { formatBytes } from '../../protocol/bytes.ts';
import type { Explanation } from '../../protocol/output/explanation.ts';
import { isInside, isWithin } from '../../protocol/path.ts';
import { describePause, formatTime, say } from '../common/format.ts';
import { describeExclusion } from '../disk/ignore.ts';
import { exclusionOf } from '../disk/left-out.ts';
import { locateEntry } from '../engine/folder.ts';
import { isDirectory, isLeaf } from '../plan/tree.ts';
import { describeEnd, describeTransfer, type Overview, whyKept, withOverview } from './overview.ts';

export function explainCommand(configFolder: () => string): Command {
  return new Command('explain')
    .description('why a file or folder is synced, or is not')
    .argument('<path>', 'a file or folder in the synced folder; it need not be there')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
Examples
  tidemark explain ~/Tidemark/report.odt
  tidemark explain ~/Tidemark/build --json`,
    )
    .action(async (path: string, { json }: { json?: true }) => {
      const { root, inside } = locateEntry(path);
      const explanation = await withOverview(configFolder(), root, (overview) => explain(overview, inside));
      if (json) console.log(JSON.stringify(explanation));
      else say(`${inside}: ${explanation.message}`);
    });
}

type Part = Omit<Explanation, 'path'>;
type Status = Overview['status'];

/** The first reason that there is, from those that last to those that pass. */
async function explain(overview: Overview, path: string): Promise<Explanation> {
  const { status, state } = overview;
  const version = state.trees.synced.get(path)?.version;
  const reason =
    leftOut(overview, path) ??
    troubled(status, path) ??
    onItsWay(status, path) ??
    waiting(status, path) ??
    kept(status, path) ??
    settled(overview, path) ??
    (await unknown(status, path));
  return { path, ...reason, ...(version === undefined ? {} : { version }) };
}

function leftOut({ state, ignores }: Overview, path: string): Part | undefined {
  const by = exclusionOf(path, (at) => isDirectory(state.trees, at), ignores);
  if (!by) return undefined;
  const { rule, source } = by;
  if (rule === '') return { state: 'own', message: 'one of the client’s own files, which stay on this device' };
  const above = by.path === path ? '' : ` with ${by.path}`;
  return { state: 'ignored', message: `left out${above} by ${describeExclusion(by)}`, rule, source };
}

function troubled({ problems }: Status, path: string): Part | undefined {
  const found = problems.find((problem) => isWithin(path, problem.path));
  if (!found) return undefined;
  const above = found.path === path ? '' : `${found.path}: `;
  return { state: 'problem', message: `not synced: ${above}${found.message}` };
}

function onItsWay({ transfers = [] }: Status, path: string): Part | undefined {
  const found = transfers.find((transfer) => transfer.path === path);
  if (!found) return undefined;
  return { state: 'moving', message: `on its way: ${describeTransfer(found)}` };
}

const toDo: Readonly<Record<string, string>> = {
  upload: 'it has changed here, and is still to be sent',
  download: 'it has changed elsewhere, and is still to be fetched',
  moveRemote: 'it was renamed here, which the service is still to be told',
  moveLocal: 'it was renamed elsewhere, and is still to be renamed here',
  deleteRemote: 'it was deleted here, which the service is still to be told',
  deleteLocal: 'it was deleted elsewhere, and is still to be deleted here',
  setAside: 'it has changed on both sides, and is to be kept under another name',
  setMode: 'its permissions are still to be set here',
};

function waiting(status: Status, path: string): Part | undefined {
  const found = status.pending.find((operation) => operation.path === path);
  if (!found) return undefined;
  const cause = causeOf(status);
  return { state: 'waiting', message: `${toDo[found.do] ?? found.do}${cause === undefined ? '' : `; ${cause}`}` };
}

/** Why nothing is done now, if nothing is. */
function causeOf({ paused, offline, trouble, running, ended }: Status): string | undefined {
  if (paused) return `the folder is ${describePause(paused)}`;
  if (trouble) return `this machine keeps it: ${trouble.message}`;
  if (offline) return `offline since ${formatTime(offline.since)}: ${offline.message}`;
  if (ended) return `no sync is running; the last one ${describeEnd(ended)}`;
  return running ? undefined : 'no sync is running';
}

function kept({ leftovers }: Status, path: string): Part | undefined {
  if (!leftovers.includes(path)) return undefined;
  return { state: 'kept', message: whyKept };
}

function settled({ status: { pending, problems, running }, state }: Overview, path: string): Part | undefined {
  const entry = state.trees.synced.get(path);
  if (!entry) return undefined;
  const noted = running ? '' : ' as far as is known; no sync is running';
  if (isLeaf(entry)) {
    return { state: 'synced', message: `in sync${noted}: version ${entry.version}, ${formatBytes(entry.size)}` };
  }
  const below = [...pending, ...problems].filter((item) => isInside(item.path, path)).length;
  const inside = below === 0 ? '' : `; of what is in it ${below} is not, as 'tidemark status' lists`;
  return { state: 'synced', message: `in sync${noted}${inside}` };
}

async function unknown(status: Status, path: string): Promise<Part> {
  const isHere = await lstat(join(status.folder, path)).then(
    () => true,
    () => false,
  );
  if (!isHere) return { state: 'absent', message: 'it is neither here nor at the service, as far as is known' };
  const when = causeOf(status) ?? 'that happens within a minute';
  return { state: 'unseen', message: `it is here, and no sync has looked at it yet: ${when}` };
}
