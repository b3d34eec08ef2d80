import type { Server as HttpServer } from 'node:http';
import type { Server } from 'node:net';
import { LocalError } from './errors.ts';

/** Listens on the loopback address; a taken port becomes a sentence that says what to do. */
export function listen(server: Server, port: number, purpose: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') return reject(error);
      const hint = 'stop the program that uses it, or choose other ports with --port N';
      reject(new LocalError('PortTaken', `port ${port} (${purpose}) is taken: ${hint}`));
    });
    server.listen(port, '127.0.0.1', () => resolve());
  });
}

/** Stops listening and cuts what is still connected. */
export function close(server: Server & Partial<Pick<HttpServer, 'closeAllConnections'>>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections?.();
  });
}
