/** What devices hands to hang-up: devices that were revoked, and their user. */
export interface HangUpRequest {
  userId: string;
  deviceIds: string[];
}
