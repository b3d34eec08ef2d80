/** A device has one ticket at a time: a new one replaces it, so that tickets cannot be collected. */
export function ticketKey(userId: string, deviceId: string): { ticket: { S: string } } {
  return { ticket: { S: `${userId} ${deviceId}` } };
}
