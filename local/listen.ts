import type { Server } from 'node:https';
import { LocalError } from './errors.ts';

/** Listens on the loopback address; a taken port gets a sentence with what to do. */
export function listenOn(server: Server, port: number, purpose: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const message = `port ${port} (${purpose}) is taken: stop what listens there, or choose other ports with --port`;
      return reject(new LocalError('PortTaken', message));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

/** Stops listening and cuts what is still connected. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
