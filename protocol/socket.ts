import * as z from 'zod';
import { Cursor, Version } from './numbers.ts';
import { Path } from './path.ts';

/** What the service sends over the WebSocket. A push is a hint: the truth is GET /changes. */
export const SocketMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('changed'),
    cursor: Cursor,
    file_path: Path,
    version: Version,
    change_type: z.enum(['create', 'update', 'delete']),
    timestamp: z.int(),
  }),
  z.strictObject({ type: z.literal('pong') }),
  z.strictObject({ type: z.literal('error'), code: z.literal('bad_request'), message: z.string() }),
]);
export type SocketMessage = z.infer<typeof SocketMessage>;

/** What a client sends: a ping, more often than the gateway's idle limit of 10 minutes. */
export const SocketRequest = z.strictObject({ type: z.literal('ping') });
