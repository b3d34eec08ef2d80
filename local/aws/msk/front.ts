import { randomInt } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { reason } from '../../errors.ts';
import type { Identities, Log, ServicesOptions } from '../../types.ts';
import type { Access } from '../access.ts';
import { verifyToken } from '../presigned-token.ts';
import type { TopicStream } from '../stream/topics.ts';
import type { Msk } from './cluster.ts';
import { allowed, KAFKA, produce, type Session } from './produce.ts';
import { array, bytes, createReader, int8, int16, int32, int64, type Reader, string } from './wire.ts';

/** MSK's default message.max.bytes is 1 MiB; a request may hold several partitions' batches. */
const MAX_REQUEST = 16 * 1024 * 1024;

interface Front {
  readonly stream: TopicStream;
  readonly msk: Msk;
  readonly identities: Identities;
  readonly access: Access;
  readonly host: string;
  readonly port: number;
  readonly log: Log;
}

type Api = (front: Front, session: Session, reader: Reader, version: number) => Buffer | Promise<Buffer | undefined>;

/** [api_key, lowest, highest version, handler]: what a producer needs, in one version where it can be one. */
const APIS: readonly (readonly [key: number, min: number, max: number, handler: Api])[] = [
  [0, 3, 3, (_, session, reader) => produce(session, reader)],
  [3, 1, 1, metadata],
  [17, 0, 1, handshake],
  [18, 0, 2, (_, __, ___, version) => apiVersions(version, KAFKA.none)],
  [22, 0, 0, initProducerId],
  [36, 0, 1, authenticate],
];
/** What a client may ask before it has signed in. */
const OPEN: readonly number[] = [17, 18, 36];

/** error_code, [api_key min max], and from v1 throttle_time_ms. */
function apiVersions(version: number, code: number): Buffer {
  const rows = APIS.map(([key, min, max]) => Buffer.concat([int16(key), int16(min), int16(max)]));
  return Buffer.concat([int16(code), array(rows), ...(version > 0 ? [int32(0)] : [])]);
}

/** mechanism; answered with error_code [mechanism]. */
function handshake(_: Front, __: Session, reader: Reader): Buffer {
  const code = reader.string() === 'OAUTHBEARER' ? KAFKA.none : KAFKA.unsupportedMechanism;
  return Buffer.concat([int16(code), array([string('OAUTHBEARER')])]);
}

/** auth_bytes; answered with error_code, error_message, auth_bytes and from v1 session_lifetime_ms. */
function authenticate(front: Front, session: Session, reader: Reader, version: number): Buffer {
  const answer = (code: number, message: string | null, lifetime: number): Buffer => {
    const tail = version > 0 ? [int64(lifetime)] : [];
    return Buffer.concat([int16(code), string(message), bytes(Buffer.alloc(0)), ...tail]);
  };
  try {
    // RFC 7628: key=value pairs, each ended by the control character 1
    const pairs = reader.bytes().toString().split('\u0001');
    const bearer = pairs.find((pair) => pair.startsWith('auth=Bearer '))?.slice('auth=Bearer '.length) ?? '';
    const token = Buffer.from(bearer, 'base64url').toString();
    const parameters = { Action: 'kafka-cluster:Connect' };
    const { principal, expires } = verifyToken(token, 'kafka-cluster', parameters, front.identities);
    front.access.reach(principal, 'kafka-cluster');
    front.access.demand(principal, 'kafka-cluster:Connect', front.msk.clusterArn() ?? '');
    session.principal = principal;
    return answer(KAFKA.none, null, Math.max(0, expires - Date.now()));
  } catch (error) {
    front.log(`msk: a client was refused: ${reason(error)}`);
    return answer(KAFKA.authenticationFailed, reason(error), 0);
  }
}

/** [topic] (null: all, which this front does not list); answered with [broker], controller_id, [topic]. */
function metadata(front: Front, session: Session, reader: Reader): Buffer {
  const names = reader.array(() => reader.string() ?? '');
  const self = Buffer.concat([int32(1), string(front.host), int32(front.port), string(null)]);
  const topics = names.map((name) => {
    const visible = allowed(session, 'kafka-cluster:DescribeTopic', front.msk.topicArn(name));
    const count = visible ? front.stream.partitions(name) : 0;
    const code = !visible ? KAFKA.topicDenied : count === undefined ? KAFKA.unknownTopic : KAFKA.none;
    const partitions = Array.from({ length: count ?? 0 }, (_, partition) =>
      Buffer.concat([int16(KAFKA.none), int32(partition), int32(1), array([int32(1)]), array([int32(1)])]),
    );
    return Buffer.concat([int16(code), string(name), int8(0), array(partitions)]);
  });
  return Buffer.concat([array([self]), int32(1), array(topics)]);
}

/** transactional_id, timeout; answered with throttle_time_ms, error_code, producer_id, producer_epoch. */
function initProducerId(front: Front, session: Session): Buffer {
  const permitted = allowed(session, 'kafka-cluster:WriteDataIdempotently', front.msk.clusterArn() ?? '');
  const [code, id] = permitted ? [KAFKA.none, randomInt(1, 2 ** 47)] : [KAFKA.clusterDenied, -1];
  return Buffer.concat([int32(0), int16(code), int64(id), int16(permitted ? 0 : -1)]);
}

/** api_key, api_version, correlation_id, client_id, then the request; the answer begins with the correlation_id. */
async function respond(front: Front, session: Session, request: Buffer): Promise<Buffer | undefined> {
  const reader = createReader(request);
  const [key, version, correlation] = [reader.int16(), reader.int16(), reader.int32()];
  reader.string();
  const api = APIS.find(([known]) => known === key);
  const frame = (body: Buffer): Buffer => bytes(Buffer.concat([int32(correlation), body]));
  if (key === 18 && api && version > api[2]) return frame(apiVersions(0, KAFKA.unsupportedVersion));
  if (!api || version < api[1] || version > api[2]) {
    throw new Error(`a client asked for api ${key} v${version}, which the local MSK does not have`);
  }
  if (!session.principal && !OPEN.includes(key)) throw new Error('a client asked before it had signed in');
  const body = await api[3](front, session, reader, version);
  return body && frame(body);
}

/** Answers the requests of one connection one after the other, in order. */
async function serve(front: Front, socket: Socket, session: Session): Promise<void> {
  let buffered: Buffer = Buffer.alloc(0);
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    buffered = buffered.length > 0 ? Buffer.concat([buffered, chunk]) : chunk;
    while (buffered.length >= 4) {
      const size = buffered.readInt32BE(0);
      if (size < 8 || size > MAX_REQUEST) throw new Error('a client does not speak the Kafka protocol');
      if (buffered.length < 4 + size) break;
      const answer = await respond(front, session, buffered.subarray(4, 4 + size));
      buffered = buffered.subarray(4 + size);
      if (answer) socket.write(answer);
    }
  }
}

/**
 * The broker's address: the part of the Kafka protocol that a producer needs, over TLS, with MSK's IAM sign-in
 * (SASL OAUTHBEARER), writing into the stream.
 */
export function createMskFront(front: Front, tls: ServicesOptions['tls']): { server: Server; stop(): void } {
  const { stream, msk, access, log } = front;
  const sequences: Session['sequences'] = new Map();
  const sockets = new Set<Socket>();
  const server = createServer({ cert: tls.cert, key: tls.key }, (socket) => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    const session: Session = { stream, msk, access, log, sequences, principal: undefined };
    serve(front, socket, session).catch((error: unknown) => {
      if (!socket.destroyed) log(`msk: ${reason(error)}`);
      socket.destroy();
    });
  });
  server.on('tlsClientError', () => undefined);
  return {
    server,
    stop() {
      for (const socket of sockets) socket.destroy();
    },
  };
}
