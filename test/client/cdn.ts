import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { onTestFinished } from 'vitest';
import type { Api } from '../../client/service/api.ts';
import { trust } from '../../client/service/config.ts';
import { close, listen } from '../../local/listen.ts';
import { loadTls } from '../../local/tls.ts';
import type { DownloadResponse } from '../../protocol/download.ts';
import { freePort } from '../support/ports.ts';
import { temporaryFolder } from './folder.ts';

/** The URL of a server behind TLS that this process trusts; it stops with the test. */
export async function serveTls(answer: RequestListener): Promise<string> {
  const tls = await loadTls(await temporaryFolder());
  trust(tls.ca);
  const server = createServer(tls, answer);
  const port = await freePort();
  await listen(server, port, 'CDN');
  onTestFinished(() => close(server));
  return `https://127.0.0.1:${port}/`;
}

/** The URL of a CDN with one answer, which stops with the test. */
export function serve(content: string): Promise<string> {
  return serveTls((_request, response) => response.end(content));
}

/** What a call for downloads answers. */
export const answerOf = (parts: Partial<DownloadResponse>): { sent: number; body: DownloadResponse } => ({
  sent: 0,
  body: { files: [], urls: {}, contents: {}, packed: {}, deltas: {}, urls_expire_at: Date.now() + 900_000, ...parts },
});

/** An API that has every missing block downloaded from there. */
export const located = (url: string): Pick<Api, 'download'> => ({
  download: async ({ files }) => {
    const urls = Object.fromEntries(files.flatMap(({ lacks = [] }) => lacks.map((hash) => [hash, url])));
    return answerOf({ urls });
  },
});
