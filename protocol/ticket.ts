import * as z from 'zod';
import { Uuid } from './uuid.ts';

/** POST /ticket: a one-time ticket for `wss://…?ticket=`, since a browser cannot set a header on a WebSocket. */
export const TicketRequest = z.strictObject({ device_id: Uuid });
export type TicketRequest = z.infer<typeof TicketRequest>;

export const TicketResponse = z.strictObject({
  ticket: z.string(),
  /** Milliseconds since 1970. */ expires_at: z.int(),
});
export type TicketResponse = z.infer<typeof TicketResponse>;
