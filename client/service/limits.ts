import { z } from 'zod';
import { SLOWEST } from './send-rate.ts';

/** The lowest limit, bytes per second: below it nothing is made to arrive. */
export const LEAST_RATE = SLOWEST;

const Rate = z.int().min(LEAST_RATE);
const TimeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

/** How fast this device may send and fetch. */
export const Limits = z.object({
  /** Bytes per second of all that is sent; without a limit if absent. */
  up: Rate.optional(),
  /** The same of all that arrives. */
  down: Rate.optional(),
  /** They hold from the first time of the day to the second, by this machine's clock; at all times if absent. */
  hours: z.object({ from: TimeOfDay, to: TimeOfDay }).optional(),
});
export type Limits = z.infer<typeof Limits>;

/** Whether limits hold at this time; hours may go beyond midnight. */
export function holdAt({ hours }: Limits, date: Date): boolean {
  if (!hours) return true;
  const now = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  const isAfter = now >= hours.from;
  const isBefore = now < hours.to;
  return hours.from < hours.to ? isAfter && isBefore : isAfter || isBefore;
}

function pad(number: number): string {
  return String(number).padStart(2, '0');
}
