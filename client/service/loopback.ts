import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { ClientError, systemCode } from '../common/errors.ts';

/** Both of `localhost`: nobody else may hear at the other what the browser says. */
const HOSTS = ['127.0.0.1', '::1'];
/** Of a machine without IPv6. */
const NO_SUCH_ADDRESS = ['EADDRNOTAVAIL', 'EAFNOSUPPORT'];

const page = (text: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemark</title><p>${text}</p></html>`;

/** Where a browser is sent back to, on this machine. */
export interface Loopback {
  /** The one of the addresses that nobody else is using. */
  readonly url: string;
  /** The query of the one request that has the right state. */
  readonly answer: Promise<URLSearchParams>;
  close(): void;
}

/**
 * Waits for a browser at the first address whose port is free.
 * @param state what an answer has to carry: others have asked for nothing
 * @throws ClientError where all ports are taken, or an address is not of this machine
 */
export async function listenForBrowser(urls: readonly string[], state: string): Promise<Loopback> {
  for (const url of urls) {
    const { protocol, hostname, port } = new URL(url);
    if (protocol !== 'http:' || hostname !== 'localhost' || port === '') {
      throw new ClientError('bad_service', `the service would send your browser to ${url}, which is not this machine`);
    }
    const { promise: answer, resolve } = Promise.withResolvers<URLSearchParams>();
    const servers = await listen(Number(port), (request, response) =>
      answerBrowser(url, state, resolve, request, response),
    );
    if (servers) return { url, answer, close: () => closeAll(servers) };
  }
  const ports = urls.map((url) => new URL(url).port).join(', ');
  throw new ClientError('usage', `the ports ${ports} of this machine are taken: close what uses one of them`);
}

async function listen(
  port: number,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server[] | undefined> {
  const servers: Server[] = [];
  for (const host of HOSTS) {
    const server = createServer(handle).listen(port, host);
    try {
      await once(server, 'listening');
      servers.push(server);
    } catch (error) {
      if (host !== HOSTS[0] && NO_SUCH_ADDRESS.includes(systemCode(error) ?? '')) continue;
      closeAll(servers);
      return undefined;
    }
  }
  return servers;
}

function closeAll(servers: readonly Server[]): void {
  for (const server of servers) server.close().closeIdleConnections();
}

function answerBrowser(
  callback: string,
  state: string,
  resolve: (query: URLSearchParams) => void,
  { method, url = '/' }: IncomingMessage,
  response: ServerResponse,
): void {
  const { pathname, searchParams } = new URL(url, callback);
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', connection: 'close' };
  if (method !== 'GET' || pathname !== new URL(callback).pathname) {
    response.writeHead(404, headers).end(page('There is nothing here.'));
  } else if (searchParams.get('state') !== state) {
    response.writeHead(400, headers).end(page("This is no answer to the sign-in that 'tidemark' waits for."));
  } else {
    const text = searchParams.has('code') ? 'You can close this page' : 'You were not signed in. Close this page';
    response.writeHead(200, headers).end(page(`${text} and go back to the terminal.`), () => resolve(searchParams));
  }
}
