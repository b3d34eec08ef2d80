import * as z from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { isOlder, ServedClient } from '../../protocol/client-release.ts';
import { ServiceResponse } from '../../protocol/service.ts';
import { ClientError } from '../common/errors.ts';
import { retried, TryAgain } from '../common/retry.ts';
import { type Answer, ask, isUntrusted } from './ask.ts';
import { errorOf, notOurs, parseJson, ServiceError, Unreachable } from './errors.ts';

const TIMEOUT_MS = 15_000;

/**
 * What the service at an address says of itself. Throws ClientError `unreachable` where none answers, `bad_service` where
 * it is none or another version's, and `client_too_old` where it does not take this client.
 */
export async function findService(url: string): Promise<ServiceResponse> {
  const found = await describe(url);
  const install = `install the client that it gives: curl -fsSL ${baseOf(url)}/install | sh`;
  const parsed = ServiceResponse.safeParse(found);
  if (!parsed.success) {
    // Another version says more, or less, than this one reads.
    throw new ClientError(
      'bad_service',
      `${url} is a Tidemark service of another version than this client: ${install}`,
    );
  }
  const { client } = parsed.data;
  if (client && isOlder(manifest.version, client.least)) {
    const message = `this is tidemark ${manifest.version}, and ${url} takes ${client.least} and later: ${install}`;
    throw new ClientError('client_too_old', message);
  }
  return parsed.data;
}

/** What the service at an address says of clients, whatever else it says; throws as `findService`. */
export async function findClient(url: string): Promise<ServedClient | undefined> {
  return clientIn(await describe(url));
}

/** The same in what a service answered; `undefined` where it says nothing that this client can read. */
export function clientIn(description: unknown): ServedClient | undefined {
  return z.object({ client: ServedClient }).safeParse(description).data?.client;
}

async function describe(url: string): Promise<Readonly<Record<string, unknown>>> {
  if (!/^https:\/\//i.test(url) || !URL.canParse(url)) {
    throw new ClientError('usage', `${url} is not an address; it begins with https://`);
  }
  try {
    return await retried(async () => judge(url, await ask(url, `${baseOf(url)}/service`, { timeoutMs: TIMEOUT_MS })));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const hint = isUntrusted(error) ? ' A private CA is given with --ca FILE.' : '';
    throw new ClientError('unreachable', `${error.message}.${hint}`, { cause: error });
  }
}

function baseOf(url: string): string {
  return url.replace(/\/+$/, '');
}

function judge(url: string, answer: Answer): Readonly<Record<string, unknown>> {
  if (answer.status === 200) {
    const json = parseJson(answer.text);
    if (typeof json === 'object' && json !== null && 'api_url' in json) return { ...json };
    throw new TryAgain(notOurs(`a Tidemark service at ${url}`, answer));
  }
  const error = errorOf(answer);
  if (error instanceof ServiceError && error.status < 500) {
    throw new ClientError('bad_service', `${url} is no Tidemark service that this client knows`);
  }
  throw new TryAgain(error);
}
