/*
 * Loaded before a device's program: node --import 'reroute.ts?4400=23456&4401=…'. Whoever connects to the first port
 * gets to the second, so that addresses, certificates and signatures are what they are without a link.
 */
import { Socket } from 'node:net';

const ports = new URL(import.meta.url).searchParams;
const connect = Socket.prototype.connect as (this: Socket, ...parameters: unknown[]) => Socket;

Socket.prototype.connect = function (this: Socket, ...parameters: unknown[]): Socket {
  // `net.connect` and `tls.connect` hand on what they were given as a list, in place of its parts.
  const [first] = parameters;
  const options = (Array.isArray(first) ? first[0] : first) as { port?: number | string } | undefined;
  const other = ports.get(String(options?.port));
  if (options && other !== null) options.port = Number(other);
  return connect.apply(this, parameters);
} as Socket['connect'];
