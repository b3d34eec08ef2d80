import type { Server } from 'node:https';

/**
 * Lets a server keep idle connections until whoever opened them ends them, and say in no answer for how long it does, as
 * AWS: what clients do with them is up to their own measure.
 */
export function keepConnections<Kind extends Server>(server: Kind): Kind {
  server.keepAliveTimeout = 0;
  return server;
}
