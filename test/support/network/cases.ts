import { answer, cutAnswer, fall, hang, html, late, loseAnswer, loseRequest, redirect } from './faults.ts';
import type { Fault } from './http-proxy.ts';
import type { Endpoint, Network } from './network.ts';

/** A way in which a network is bad. It is healed by `network.heal()`. */
export interface Case {
  readonly name: string;
  readonly strike: (network: Network) => unknown;
}

const onApi =
  (fault: Fault) =>
  ({ ways }: Network): void =>
    ways.api.proxy.fail('', fault);
const on =
  (endpoint: Endpoint, fault: Fault) =>
  ({ ways }: Network): void =>
    ways[endpoint].proxy.fail('', fault);
const relay =
  (endpoint: Endpoint, fault: Parameters<Network['fail']>[0]) =>
  ({ ways }: Network): Promise<void> =>
    ways[endpoint].relay.fail(fault);

/** The gateway takes no token, so that a fresh one is asked for. */
const withoutToken =
  (fault: Fault) =>
  ({ ways }: Network): void => {
    ways.api.proxy.fail('', answer(401, { message: 'Unauthorized' }));
    ways.signIn.proxy.fail('', fault);
  };

/** From which every device has to recover by itself, with nothing lost. */
export const cases: readonly Case[] = [
  { name: 'everything refused', strike: (network) => network.fail({ refuse: true }) },
  { name: 'everything stalled', strike: (network) => network.fail({ stall: true }) },
  { name: 'all connections reset', strike: (network) => network.reset() },
  { name: 'far away, 150 ms each way', strike: (network) => network.fail({ latencyMs: 150 }) },
  { name: 'slow, 16 kB/s', strike: (network) => network.fail({ bytesPerSecond: 16_000 }) },
  { name: 'connections cut after 3 kB', strike: (network) => network.fail({ cutAfterBytes: 3_000 }) },
  { name: 'API refused', strike: relay('api', { refuse: true }) },
  { name: 'API: requests lost', strike: onApi(loseRequest) },
  { name: 'API: answers lost', strike: onApi(loseAnswer) },
  { name: 'API: answers cut', strike: onApi(cutAnswer) },
  { name: 'API: answers 2 s late', strike: onApi(late(2000)) },
  { name: 'API: portal, 200 HTML', strike: onApi(html()) },
  { name: 'API: portal, 511', strike: onApi(html(511)) },
  { name: 'API: portal, redirect', strike: onApi(redirect('https://127.0.0.1:9/')) },
  { name: 'API: proxy, 403 HTML', strike: onApi(html(403)) },
  { name: 'API: gateway, 403', strike: onApi(answer(403, { message: 'Forbidden' })) },
  { name: 'API: gateway, 404', strike: onApi(answer(404, { message: 'Not Found' })) },
  { name: 'API: gateway, 413', strike: onApi(answer(413, { message: 'Request Too Long' })) },
  { name: 'API: 408', strike: onApi(answer(408)) },
  { name: 'API: 429', strike: onApi(answer(429, { message: 'Too Many Requests' })) },
  { name: 'API: 500 HTML', strike: onApi(html(500)) },
  { name: 'API: 503', strike: onApi(answer(503, { message: 'Service Unavailable' })) },
  { name: 'sign-in refused', strike: withoutToken(loseRequest) },
  {
    name: 'sign-in throttled',
    strike: withoutToken(answer(400, { __type: 'TooManyRequestsException', message: 'Rate exceeded' })),
  },
  { name: 'sign-in: portal, 200 HTML', strike: withoutToken(html()) },
  { name: 'socket refused', strike: relay('socket', { refuse: true }) },
  { name: 'socket: 403', strike: on('socket', html(403)) },
  { name: 'socket: never opens', strike: on('socket', hang) },
  { name: 'socket: falls after 1 s', strike: on('socket', fall(1000)) },
  { name: 'store refused', strike: relay('store', { refuse: true }) },
  { name: 'store: 503', strike: on('store', answer(503)) },
  { name: 'CDN refused', strike: relay('cdn', { refuse: true }) },
  { name: 'CDN: 503', strike: on('cdn', answer(503)) },
  { name: 'CDN: portal, 200 HTML', strike: on('cdn', html()) },
];
