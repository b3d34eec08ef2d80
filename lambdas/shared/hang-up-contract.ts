/** What devices hands to hang-up: a device that was revoked, and its user. */
export interface HangUpRequest {
  userId: string;
  deviceId: string;
}
