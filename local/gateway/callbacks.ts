import type { IncomingMessage, ServerResponse } from 'node:http';
import { request } from 'node:https';
import { API_ID_HEADER } from '../types.ts';
import { plainMessage } from './http-response.ts';

/**
 * Passes an @connections call on to the services' endpoint as the function signed it: method, path, Host and body
 * stay, and a header names the API.
 */
export function forwardCallback(
  apiId: string,
  endpoint: string | undefined,
  ca: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const refuse = (status: number, message: string): void => {
    const { headers, body } = plainMessage(status, message);
    outgoing.writeHead(status, headers).end(body);
  };
  if (endpoint === undefined || !decodeURIComponent(incoming.url ?? '').includes('/@connections/')) {
    refuse(403, 'Forbidden');
    return;
  }
  const { hostname, port } = new URL(endpoint);
  const headers = { ...incoming.headers, [API_ID_HEADER]: apiId };
  const passed = request({ hostname, port, ca, method: incoming.method, path: incoming.url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  passed.on('error', () => refuse(502, 'Bad Gateway'));
  incoming.pipe(passed);
}
