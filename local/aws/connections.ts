import { ACCOUNT, API_ID_HEADER, type Connections, REGION } from '../types.ts';
import type { Access } from './access.ts';
import { AwsError } from './errors.ts';
import { sendJson } from './http.ts';
import { type JsonApi, unknownOperation } from './json-api.ts';

/** API Gateway's limit of one message to a client. */
const MAX_MESSAGE = 128 * 1024;

/**
 * The @connections API: POST sends, GET describes, DELETE disconnects. The WebSocket gateway owns the address that
 * functions call; it passes the call on with a header that names the API.
 */
export function createConnectionsApi(connections: Connections, access: Access): JsonApi {
  return {
    service: 'execute-api',
    async handle({ request, response, principal, body }) {
      const path = decodeURIComponent((request.url ?? '').split('?')[0] ?? '');
      const [, stage, id] = /^\/([^/]+)\/@connections\/([^/]+)$/.exec(path) ?? [];
      const method = request.method ?? '';
      const apiId = String(request.headers[API_ID_HEADER] ?? '');
      if (!stage || !id || apiId === '') throw unknownOperation('execute-api', `${method} ${path}`);
      const resource = `arn:aws:execute-api:${REGION}:${ACCOUNT}:${apiId}/${stage}/${method}/@connections/${id}`;
      access.demand(principal, 'execute-api:ManageConnections', resource);
      const gone = new AwsError('GoneException', 'The connection is gone.', 410);
      if (method === 'POST') {
        if (body.length > MAX_MESSAGE) {
          throw new AwsError('PayloadTooLargeException', `A message has at most ${MAX_MESSAGE} bytes.`, 413);
        }
        if ((await connections.post(apiId, stage, id, body)) === 'gone') throw gone;
        response.writeHead(200, { 'content-length': 0 }).end();
      } else if (method === 'DELETE') {
        if ((await connections.close(apiId, stage, id)) === 'gone') throw gone;
        response.writeHead(204).end();
      } else if (method === 'GET') {
        const found = await connections.get(apiId, stage, id);
        if (found === 'gone') throw gone;
        sendJson(response, 200, {
          connectedAt: new Date(found.connectedAt).toISOString(),
          lastActiveAt: new Date(found.lastActiveAt).toISOString(),
          identity: { sourceIp: found.sourceIp, userAgent: found.userAgent },
        });
      } else {
        throw unknownOperation('execute-api', `${method} ${path}`);
      }
    },
  };
}
