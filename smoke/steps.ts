import { randomBytes, randomUUID } from 'node:crypto';
import { reasonOf } from '../cli/reason.ts';
import { download, onlyResult, order, send, upload, uploadDelta } from './files.ts';
import { addDevice, askService, type Device, type Listener, listen, signIn, type Target } from './service.ts';

/** Names of the steps, in order; a step needs those before it. */
const stepNames = [
  'sign-in',
  'upload',
  'tampered upload',
  'notify',
  'delta',
  'download',
  'direct access',
  'restore',
  'delete',
  'revoke',
] as const;
export type StepName = (typeof stepNames)[number];

export interface StepResult {
  readonly step: StepName;
  readonly ms: number;
  /** What was seen, for a person. */
  readonly detail: string;
  /** Why it failed; the steps after it were not tried. */
  readonly failure?: string;
}

const FILE_BYTES = 200_000;
/** Event pollers that just started may take this long; warm ones take a second. */
const PUSH_MS = 60_000;

/**
 * Walks once through the service as two devices of one user: every step is one that a deployment can get wrong. Works
 * in a folder of its own and leaves nothing behind but history.
 */
export async function* smoke(target: Target): AsyncGenerator<StepResult> {
  const devices: Device[] = [];
  const listeners: Listener[] = [];
  const actions = walk(target, devices, listeners);
  try {
    for (const step of stepNames) {
      const started = performance.now();
      const ms = (): number => Math.round(performance.now() - started);
      try {
        const { value } = await actions.next();
        yield { step, ms: ms(), detail: value ?? '' };
      } catch (error) {
        yield { step, ms: ms(), detail: '', failure: reasonOf(error) };
        return;
      }
    }
  } finally {
    for (const listener of listeners) listener.close();
    await Promise.allSettled(devices.map((device) => device.revoke()));
  }
}

/** One value per step of `stepNames`. */
async function* walk(target: Target, devices: Device[], listeners: Listener[]): AsyncGenerator<string, undefined> {
  const service = await askService(target.url);
  const token = await signIn(target, service);
  const unsigned = await fetch(`${service.api_url}/tree`);
  demand(unsigned.status === 401, `GET /tree without a token answered ${unsigned.status}, not 401`);
  const [writer, reader] = [await addDevice(service, token, 'smoke 1'), await addDevice(service, token, 'smoke 2')];
  devices.push(writer, reader);
  const listener = await listen(reader, service.socket_url);
  listeners.push(listener);
  yield `token accepted, two devices registered, socket open`;

  const path = `tidemark-smoke-${randomUUID()}/file.bin`;
  const first = randomBytes(FILE_BYTES);
  const { version, put } = await upload(writer, { path, content: first, replaces: 0 });
  const uploaded = performance.now();
  yield `version ${version}, ${FILE_BYTES} bytes straight to the block store`;

  const lie = await order(writer, { path: `${path}.tampered`, content: randomBytes(1000), replaces: 0 });
  const refusal = await send(lie.put, randomBytes(1000));
  demand(refusal >= 400 && refusal < 500, `the block store answered ${refusal} to content with another checksum`);
  yield `content that does not match its signed checksum: ${refusal}`;

  await listener.heard(path, version, PUSH_MS);
  yield `the other device heard of it ${Math.round(performance.now() - uploaded)} ms after the commit, or earlier`;

  const second = Buffer.from(first);
  second.write('a hundred bytes that differ'.padEnd(100), FILE_BYTES / 2);
  const edited = await uploadDelta(writer, { path, content: second, replaces: version }, first);
  yield `version ${edited.version}, a delta of ${edited.deltaBytes} bytes for a file of ${FILE_BYTES}`;

  const fetched = await download(reader, path);
  demand(fetched.content.equals(second), 'the CDN delivered other content than was uploaded');
  yield `version ${edited.version} through the CDN, byte by byte the same`;

  const [cdn, bucket] = [await fetch(withoutQuery(fetched.url)), await fetch(withoutQuery(put.url))];
  demand(cdn.status === 403, `the CDN answered ${cdn.status} to a URL without a signature, not 403`);
  demand(bucket.status === 403, `the bucket answered ${bucket.status} to a URL without a signature, not 403`);
  yield `without a signature: CDN ${cdn.status}, bucket ${bucket.status}`;

  const old = [{ path, version, base_version: edited.version }];
  const back = { request_id: randomUUID(), device_id: writer.id, files: old };
  const restored = onlyResult((await writer.api.restore(back)).body.results);
  demand((await download(reader, path)).content.equals(first), 'the restored version has other content');
  yield `version ${restored.version} has the content of version ${version}`;

  const files = [{ path, base_version: restored.version }];
  onlyResult((await writer.api.remove({ request_id: randomUUID(), device_id: writer.id, files })).body.results);
  await listener.heard(path, restored.version + 1, PUSH_MS);
  const { changes } = (await reader.api.changes(reader.id, 0)).body;
  yield `gone, and the other device heard; ${changes.length} changes are readable`;

  await Promise.all([listener.closed, reader.revoke()]);
  yield 'the socket of a revoked device was closed';
}

function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise);
}

function withoutQuery(url: string): string {
  return url.split('?')[0]!;
}
