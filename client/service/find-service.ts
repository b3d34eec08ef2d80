import { ServiceResponse } from '../../protocol/service.ts';
import { ClientError } from '../common/errors.ts';
import { retried, TryAgain } from '../common/retry.ts';
import { type Answer, ask, isUntrusted } from './ask.ts';
import { errorOf, notOurs, parseJson, ServiceError, Unreachable } from './errors.ts';

const TIMEOUT_MS = 15_000;

/** What the service at an address says of itself. Throws ClientError `unreachable` where none answers. */
export async function findService(url: string): Promise<ServiceResponse> {
  if (!/^https:\/\//i.test(url) || !URL.canParse(url)) {
    throw new ClientError('usage', `${url} is not an address; it begins with https://`);
  }
  const place = `${url.replace(/\/+$/, '')}/service`;
  try {
    return await retried(async () => judge(url, await ask(url, place, { timeoutMs: TIMEOUT_MS })));
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const hint = isUntrusted(error) ? ' A private CA is given with --ca FILE.' : '';
    throw new ClientError('unreachable', `${error.message}.${hint}`, { cause: error });
  }
}

function judge(url: string, answer: Answer): ServiceResponse {
  const json = parseJson(answer.text);
  if (answer.status === 200) {
    const parsed = ServiceResponse.safeParse(json);
    if (parsed.success) return parsed.data;
    // Another version says more, or less, than this one reads.
    if (typeof json === 'object' && json !== null && 'api_url' in json) throw unknownService(url);
    throw new TryAgain(notOurs(`a Tidemark service at ${url}`, answer));
  }
  const error = errorOf(answer);
  if (error instanceof ServiceError && error.status < 500) throw unknownService(url);
  throw new TryAgain(error);
}

function unknownService(url: string): ClientError {
  return new ClientError('bad_service', `${url} is no Tidemark service that this client knows`);
}
