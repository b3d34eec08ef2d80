import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import { messageOf, reasonOf } from '../../../cli/reason.ts';
import { isOlder, type ServedClient } from '../../../protocol/client-release.ts';
import { limits } from '../../../protocol/limits.ts';
import type { Finding } from '../../../protocol/output/finding.ts';
import { ClientError } from '../../common/errors.ts';
import type { SyncedEntry } from '../../plan/tree.ts';
import type { Api } from '../../service/api.ts';
import { textOf } from '../../service/ask.ts';
import { connections } from '../../service/connections.ts';
import { parseJson } from '../../service/errors.ts';
import { Arrived, fetchRest } from '../../service/fetch-bytes.ts';
import { clientIn } from '../../service/find-service.ts';
import { Gate } from '../../service/gate.ts';
import { versionIn } from '../../service/release.ts';
import { newUpChannel } from '../../steps/channels.ts';
import { putBlock, usableUntil } from '../../steps/put-block.ts';
import { failed, fine, skipped, warning } from './findings.ts';

/** An endpoint that does not answer for so long is taken for away, ms. */
const PATIENCE_MS = 20_000;
/** Clocks may differ by so much before it is worth a word, ms; the answer's header counts seconds. */
const CLOCK_MS = 60_000;

/** What to do about an endpoint that cannot be reached. */
export function networkRemedy(host: string, environment: NodeJS.ProcessEnv = process.env): string {
  const proxy = environment.HTTPS_PROXY ?? environment.https_proxy;
  if (proxy && !environment.NODE_USE_ENV_PROXY) {
    return 'HTTPS_PROXY is set, and is used only with NODE_USE_ENV_PROXY=1 in the environment as well';
  }
  return `look whether this network lets ${host} be reached over HTTPS`;
}

/**
 * The service itself, the clock of this machine beside its, and whether it gives a newer client than this one.
 * @param version of this client
 */
export async function checkService(apiUrl: string, version: string): Promise<Finding[]> {
  const { host } = new URL(apiUrl);
  const [started, before] = [performance.now(), Date.now()];
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const answer = await connections.request(`${apiUrl}/service`, { method: 'GET', headers: {}, signal });
    const took = performance.now() - started;
    const text = await textOf(answer);
    const found: Finding =
      answer.status === 200
        ? fine('service', `${host} answers in ${Math.round(took)} ms`)
        : failed('service', `${host} answers ${answer.status}`, 'ask whoever runs the service, or the network');
    const theirs = Date.parse(answer.header('date') ?? '');
    const clock = Number.isNaN(theirs) ? [] : [judgeClock(before + took / 2 - theirs)];
    return [found, ...clock, ...judgeClient(version, clientIn(parseJson(text)))];
  } catch (error) {
    return [failed('service', `${host} does not answer: ${reasonOf(error)}`, networkRemedy(host))];
  }
}

function judgeClient(version: string, served: ServedClient | undefined): Finding[] {
  const given = versionIn(served?.release);
  if (given === undefined || !isOlder(version, given)) return [];
  return [warning('version', `the service gives tidemark ${given}`, "'tidemark update' replaces this one by it")];
}

/** @param ahead milliseconds by which this machine's clock is before the service's */
export function judgeClock(ahead: number): Finding {
  const seconds = Math.round(Math.abs(ahead) / 1000);
  if (Math.abs(ahead) < CLOCK_MS) {
    return fine('clock', `this machine's clock is within ${Math.max(1, seconds)} s of the service's`);
  }
  const message = `this machine's clock is ${seconds} s ${ahead > 0 ? 'ahead of' : 'behind'} the service's`;
  const remedy =
    'have it set by the network (Linux: timedatectl set-ntp true): times in lists are wrong, and far off no certificate is valid';
  return warning('clock', message, remedy);
}

/** Whether a block gets to the store: one of a few random bytes, which no file has, and which goes after three days. */
export async function checkStore(api: Api, device_id: string): Promise<Finding> {
  const bytes = randomBytes(64);
  const block = { hash: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  const upload_id = randomUUID();
  const file = { path: `doctor-${upload_id}`, kind: 'file', mode: 0o600, mtime_ms: 0, base_version: 0 } as const;
  let host = 'the block store';
  try {
    const asked = performance.now();
    const files = [{ ...file, size: block.size, blocks: [block] }];
    const { refused, send } = (await api.uploadInit({ upload_id, device_id, files })).body;
    if (refused[0])
      return failed('store', `the service takes no upload: ${refused[0].error.message}`, 'see the message');
    const target = send[0];
    if (target?.how !== 'put') return skipped('store', 'the service asked for nothing to send');
    host = new URL(target.url).host;
    const until = usableUntil(asked);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const isSent = await putBlock({ ...target, until }, bytes, newUpChannel(new Gate()), signal);
    if (isSent) return fine('store', `${host} takes uploads`);
    return failed('store', `${host} refused an upload`, 'set the clock of this machine');
  } catch (error) {
    return failed('store', messageOf(error), networkRemedy(host));
  }
}

/** Whether a block comes from the CDN: one of a file that is in sync, large enough to lie there. */
export async function checkCdn(
  api: Api,
  device_id: string,
  synced: ReadonlyMap<string, SyncedEntry>,
): Promise<Finding> {
  const sample = sampleBlock(synced);
  if (!sample) return skipped('cdn', 'no file is in sync yet that is large enough to lie there');
  const { path, version, hash } = sample;
  let host = 'the CDN';
  try {
    const { urls } = (await api.download({ device_id, files: [{ path, version, lacks: [hash] }] })).body;
    const url = urls[hash];
    if (url === undefined) return skipped('cdn', `the service gives no URL for ${path}`);
    host = new URL(url).host;
    const arrived = new Arrived();
    const { status } = await fetchRest(url, arrived, AbortSignal.timeout(PATIENCE_MS));
    if (status !== 200) return failed('cdn', `${host} answers ${status}`, networkRemedy(host));
    const isWhole = createHash('sha256').update(arrived.bytes()).digest('hex') === hash;
    if (isWhole) return fine('cdn', `${host} gives what it should`);
    return failed('cdn', `${host} gives something else than was stored`, 'look whether a proxy changes what arrives');
  } catch (error) {
    return failed('cdn', `${host} does not answer: ${reasonOf(error)}`, networkRemedy(host));
  }
}

/** The smallest block of a file in sync that is surely kept in the store. */
function sampleBlock(
  synced: ReadonlyMap<string, SyncedEntry>,
): { path: string; version: number; hash: string } | undefined {
  let smallest = { size: Number.POSITIVE_INFINITY, path: '', version: 0, hash: '' };
  for (const [path, { version, blocks }] of synced) {
    for (const { hash, size } of blocks) {
      if (size > limits.smallBytes && size < smallest.size) smallest = { size, path, version, hash };
    }
  }
  return smallest.version === 0 ? undefined : smallest;
}

/**
 * Whether the gateway for pushes answers. It is asked without a ticket, which it refuses: with one it would close the
 * connection of a sync that is running.
 */
export async function checkSocket(socketUrl: string): Promise<Finding> {
  const { host } = new URL(socketUrl);
  try {
    const status = await refusalOf(socketUrl);
    if (status === 401 || status === 403) {
      return fine('socket', `${host} answers, for pushes`);
    }
    throw new ClientError('unreachable', `it answered ${status}`);
  } catch (error) {
    const remedy = `${networkRemedy(host)}, WebSockets included; until then changes are asked for every minute`;
    return warning('socket', `${host} takes no WebSocket: ${reasonOf(error)}`, remedy);
  }
}

function refusalOf(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { handshakeTimeout: PATIENCE_MS });
    socket.on('unexpected-response', (request, response) => {
      request.destroy();
      resolve(response.statusCode ?? 0);
    });
    socket.on('open', () => {
      socket.terminate();
      resolve(101);
    });
    socket.on('error', reject);
  });
}
