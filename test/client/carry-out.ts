import { Gate } from '../../client/service/gate.ts';
import { newDownChannel, newUpChannel } from '../../client/steps/channels.ts';
import { ComingFiles } from '../../client/steps/coming-files.ts';
import type { Sync } from '../../client/steps/context.ts';
import { makeWay } from '../../client/steps/directories.ts';
import { downloadEntries, lacksContent, placeFiles } from '../../client/steps/download.ts';
import { type FetchedFile, fetchFiles } from '../../client/steps/fetch-files.ts';
import { commitUpload, sendContent, type UploadStep } from '../../client/steps/upload.ts';

/* The steps of an upload and of a download, one after the other, as rounds and transfers take them. */

const never = new AbortController().signal;

export async function upload(sync: Sync, steps: readonly UploadStep[]): Promise<void> {
  const paths = steps.map(({ path }) => path);
  await sync.failures.attempt(paths, async () => {
    const sent = await sendContent(sync, steps, { channel: newUpChannel(new Gate()), signal: never });
    if (sent) await commitUpload(sync, sent);
  });
}

export async function download(sync: Sync, paths: readonly string[]): Promise<void> {
  await downloadEntries(sync, paths);
  for (const path of paths) await makeWay(sync, path);
  const channel = newDownChannel(new Gate());
  const begun = new ComingFiles(sync, { channel, demandRoot: async () => undefined });
  const fetched: FetchedFile[] = [];
  const files = paths
    .filter((path) => lacksContent(sync, path))
    .map((path) => ({
      path,
      remote: sync.state.trees.remote.get(path)!,
      signal: never,
      onBegin: () => undefined,
      onFetched: (file: FetchedFile) => void fetched.push(file),
    }));
  await sync.failures.attempt(paths, () => fetchFiles(sync, files, { channel, begun, signal: never }));
  await placeFiles(sync, fetched);
}
