import {
  answer,
  cutAnswer,
  hang,
  hangAnswer,
  late,
  loseAnswer,
  loseRequest,
  repeat,
} from '../../support/network/faults.ts';
import type { Fault } from '../../support/network/http-proxy.ts';
import type { Network } from '../../support/network/network.ts';
import type { fates, Run } from './scenario.ts';

const faults: Readonly<Record<(typeof fates)[number], Fault>> = {
  'loses the call': loseRequest,
  'loses the answer': loseAnswer,
  'cuts the answer': cutAnswer,
  repeats: repeat,
  'is late': late(150),
  throttles: answer(429, { code: 'throttled', message: 'later' }),
  'gets no answer': hang,
  'stands still': hangAnswer,
};

const pass: Fault = async ({ ask, reply }) => reply(await ask());

/** Which calls of a way are meant: of the API those of a route, elsewhere all. */
function matcher({ way, route }: { readonly way: string; readonly route: string }): (call: string) => boolean {
  return (call) => way !== 'api' || call.startsWith(route);
}

/**
 * Has calls of a run fail once, and a user come in between, until the network is healed.
 * @param edit called once, at the call that `meanwhile` names
 */
export function disturb({ ways }: Network, { network, meanwhile }: Omit<Run, 'who'>, edit: () => void): void {
  let isDue = network !== undefined;
  let left = meanwhile?.nth ?? 0;
  for (const way of ['api', 'store', 'cdn'] as const) {
    const { proxy } = ways[way];
    proxy.fail('', (exchange) => {
      const call = `${exchange.request.method} ${exchange.request.url}`;
      const isMet = meanwhile?.way === way && matcher(meanwhile)(call) && --left === 0;
      if (isMet && meanwhile.when === 'asked') edit();
      const fails = isDue && network?.way === way && matcher(network)(call);
      if (fails) isDue = false;
      if (fails && network.isGone) proxy.fail('', loseRequest);
      let asked = 0;
      const ask = async (): ReturnType<typeof exchange.ask> => {
        const answered = await exchange.ask();
        if (isMet && meanwhile.when === 'answered' && asked++ === 0) edit();
        return answered;
      };
      return (fails ? faults[network.fate] : pass)({ ...exchange, ask });
    });
  }
}
