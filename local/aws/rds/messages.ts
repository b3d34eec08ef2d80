import type { Socket } from 'node:net';

// PostgreSQL Frontend/Backend Protocol 3.0, "Message Formats": what a front needs before it can pass bytes through.

export const SSL_REQUEST = 80877103;
export const GSS_REQUEST = 80877104;
export const CANCEL_REQUEST = 80877102;
const PROTOCOL_3 = 3;
/** A start-up packet or a password message; PostgreSQL's own limit of a start-up packet is 10,000 bytes. */
const MAX_MESSAGE = 16 * 1024;

/** Reads whole messages from a socket, one at a time, and leaves what follows in the socket. */
async function readExactly(socket: Socket, size: number): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read(size) as Buffer | null;
    if (chunk && chunk.length === size) return chunk;
    if (chunk || socket.readableEnded || socket.destroyed) throw new Error('The client has left.');
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['readable', 'end', 'close', 'error'] as const) socket.off(event, done);
        resolve();
      };
      for (const event of ['readable', 'end', 'close', 'error'] as const) socket.on(event, done);
    });
  }
}

/** Int32 length (itself included), Int32 code, payload. Returns the whole packet and its code. */
export async function readStartPacket(socket: Socket): Promise<{ packet: Buffer; code: number }> {
  const head = await readExactly(socket, 8);
  const length = head.readInt32BE(0);
  if (length < 8 || length > MAX_MESSAGE) throw new Error('This is not the PostgreSQL protocol.');
  const rest = length > 8 ? await readExactly(socket, length - 8) : Buffer.alloc(0);
  return { packet: Buffer.concat([head, rest]), code: head.readInt32BE(4) };
}

/** Zero-terminated names and values after the protocol version. */
export function startParameters({ packet, code }: { packet: Buffer; code: number }): Map<string, string> | undefined {
  if (code >> 16 !== PROTOCOL_3) return undefined;
  const words = packet.toString('utf8', 8).split('\0');
  const parameters = new Map<string, string>();
  for (let at = 0; at + 1 < words.length && words[at] !== ''; at += 2)
    parameters.set(words[at] ?? '', words[at + 1] ?? '');
  return parameters;
}

/** The start packet of a client with further settings, which give way to those that it has itself. */
export function withSettings(
  { packet, code }: { packet: Buffer; code: number },
  settings: Readonly<Record<string, string>>,
): Buffer {
  const parameters = { ...settings, ...Object.fromEntries(startParameters({ packet, code }) ?? []) };
  const text = Object.entries(parameters)
    .map(([name, value]) => `${name}\0${value}\0`)
    .join('');
  const body = Buffer.from(`${text}\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + head.length);
  head.writeInt32BE(code, 4);
  return Buffer.concat([head, body]);
}

/** 'R' Int32 8 Int32 3: AuthenticationCleartextPassword; then 'p' Int32 length, zero-terminated password. */
export async function askPassword(socket: Socket): Promise<string> {
  socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
  const head = await readExactly(socket, 5);
  const length = head.readInt32BE(1);
  if (head[0] !== 0x70 || length < 5 || length > MAX_MESSAGE) throw new Error('The client did not send a password.');
  return (await readExactly(socket, length - 4)).toString('utf8', 0, length - 5);
}

/** 'E': ErrorResponse with severity FATAL, after which the server closes the connection. */
export function fatal(sqlState: string, message: string): Buffer {
  const fields = `SFATAL\0VFATAL\0C${sqlState}\0M${message}\0\0`;
  const body = Buffer.from(fields);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
