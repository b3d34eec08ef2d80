import * as z from 'zod';
import { Uuid } from './uuid.ts';

/** POST /ticket: a one-time ticket for `wss://…?ticket=`, since a browser cannot set a header on a WebSocket. */
export const TicketRequest = z.strictObject({ device_id: Uuid });
export type TicketRequest = z.infer<typeof TicketRequest>;

/** Whom it stands for, user and device, and 256 random bits in base64url. */
export const Ticket = z.string().regex(/^([0-9a-f-]{36}\.){2}[A-Za-z0-9_-]{43}$/);

export const TicketResponse = z.strictObject({
  ticket: Ticket,
  /** Milliseconds since 1970. */ expires_at: z.int(),
});
export type TicketResponse = z.infer<typeof TicketResponse>;
