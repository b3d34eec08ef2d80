import { TicketRequest, type TicketResponse } from '../../protocol/ticket.ts';
import { databases } from '../shared/database/database.ts';
import { personOf } from '../shared/database/rows.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { issueTicket } from './issue.ts';

export const handler = route(async (event, userId): Promise<TicketResponse> => {
  const { device_id: deviceId } = jsonBody(event, TicketRequest);
  await requireDevice(personOf(databases(), userId), deviceId);
  return await issueTicket(userId, deviceId);
});
