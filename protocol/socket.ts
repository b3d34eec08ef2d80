import * as z from 'zod';
import { News } from './changes.ts';
import { Cursor, Version } from './numbers.ts';
import { Path } from './path.ts';
import { SentBits } from './sent-bits.ts';
import { Uuid } from './uuid.ts';

/** Which blocks of a file that is on its way up are at the service, for the user's other devices. A hint as well. */
const SentSoFar = z.strictObject({
  type: z.literal('sending'),
  /** An upload of this file alone. */
  upload_id: Uuid,
  path: Path,
  sent: SentBits,
});
export type SentSoFar = z.infer<typeof SentSoFar>;

/** What the service sends over the WebSocket. A push is a hint: the truth is GET /changes. */
export const SocketMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('changed'),
    cursor: Cursor,
    file_path: Path,
    version: Version,
    change_type: z.enum(['create', 'update', 'delete']),
    timestamp: z.int(),
    /** Where this is the only change that the push stands for, and it is small. */
    news: News.optional(),
  }),
  SentSoFar,
  z.strictObject({
    type: z.literal('pong'),
    /**
     * The newest cursor whose push may not have arrived at this connection, 0 for none. Absent where the registry does not
     * answer, or does not have the connection, so that pushes may pass it by.
     */
    missed: z.int().min(0).optional(),
  }),
  z.strictObject({ type: z.literal('error'), code: z.literal('bad_request'), message: z.string() }),
]);
export type SocketMessage = z.infer<typeof SocketMessage>;

/** What a client sends: a ping, more often than the gateway's idle limit of 10 minutes, and what it has sent of a file. */
export const SocketRequest = z.discriminatedUnion('type', [z.strictObject({ type: z.literal('ping') }), SentSoFar]);
export type SocketRequest = z.infer<typeof SocketRequest>;
