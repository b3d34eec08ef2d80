import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { keepConnections } from '../keep-connections.ts';
import type { ServicesOptions } from '../types.ts';

/** An HTTPS server whose handler may be asynchronous: a rejection ends that one request, never the process. */
export function httpsServer(
  tls: ServicesOptions['tls'],
  handler: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
): ReturnType<typeof createServer> {
  const options = { cert: tls.cert, key: tls.key, requestTimeout: 0 };
  const server = createServer(options, (request, response) => {
    handler(request, response).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : new Error(String(error)));
    });
  });
  return keepConnections(server);
}

/** Answers with a JSON document. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', ...headers, 'content-length': text.length });
  response.end(text);
}
