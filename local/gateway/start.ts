/*
 * API Gateway: the HTTP API and the WebSocket API of the templates, with their authorizers and the events that
 * functions get.
 */

import { close, listen } from '../listen.ts';
import type { Resource } from '../types.ts';
import { createHttpApi } from './http-api.ts';
import type { GatewayServices } from './integration.ts';
import { type Api, apisOf } from './model.ts';
import type { Sockets } from './sockets.ts';
import { createWebSocketApi } from './websocket-api.ts';

/** Ports of the APIs: the first HTTP API and the first WebSocket API of the assembly have one each. */
export interface ApiPorts {
  readonly HTTP: number;
  readonly WEBSOCKET: number;
}

interface Gateways {
  /** Empty texts where the assembly has no such API. */
  readonly urls: { readonly api: string; readonly socket: string };
  stop(): Promise<void>;
}

/** Starts a server for each API of the assembly. */
export async function startGateways(options: {
  readonly resources: readonly Resource[];
  readonly ports: ApiPorts;
  readonly services: GatewayServices;
  readonly sockets: Sockets;
  /** Where @connections calls go. */
  readonly callbackUrl: string | undefined;
}): Promise<Gateways> {
  const { ports, services, sockets, callbackUrl } = options;
  const apis = apisOf(options.resources);
  const servers = apis.map((api) => ({
    server:
      api.protocol === 'HTTP' ? createHttpApi(api, services) : createWebSocketApi(api, services, sockets, callbackUrl),
    port: ports[api.protocol],
    purpose: api.protocol === 'HTTP' ? 'the HTTP API' : 'the WebSocket API',
  }));
  const stop = async (): Promise<void> => {
    sockets.closeAll();
    await Promise.all(servers.map(({ server }) => close(server)));
  };
  try {
    for (const { server, port, purpose } of servers) await listen(server, port, purpose);
  } catch (error) {
    await stop();
    throw error;
  }
  const stagePath = (api: Api) => (api.stages.includes('$default') ? '' : `/${api.stages[0] ?? ''}`);
  const url = (protocol: Api['protocol'], scheme: string): string => {
    const api = apis.find((candidate) => candidate.protocol === protocol);
    return api ? `${scheme}://127.0.0.1:${ports[protocol]}${stagePath(api)}` : '';
  };
  return { urls: { api: url('HTTP', 'https'), socket: url('WEBSOCKET', 'wss') }, stop };
}
