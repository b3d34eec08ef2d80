import * as z from 'zod';
import { Uuid } from './uuid.ts';

/** POST /ticket: a one-time ticket for `wss://…?ticket=`, since a browser cannot set a header on a WebSocket. */
export const TicketRequest = z.strictObject({ device_id: Uuid });
export type TicketRequest = z.infer<typeof TicketRequest>;

/** 256 random bits, in base64url. */
export const Ticket = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

export const TicketResponse = z.strictObject({
  ticket: Ticket,
  /** Milliseconds since 1970. */ expires_at: z.int(),
});
export type TicketResponse = z.infer<typeof TicketResponse>;
