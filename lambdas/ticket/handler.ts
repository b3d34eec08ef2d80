import { TicketRequest, type TicketResponse } from '../../protocol/ticket.ts';
import { databases } from '../shared/database/database.ts';
import { jsonBody, route } from '../shared/http/route.ts';
import { requireDevice } from '../shared/tables/devices.ts';
import { issueTicket } from './issue.ts';

export const handler = route(async (event, userId): Promise<TicketResponse> => {
  const { device_id: deviceId } = jsonBody(event, TicketRequest);
  const shard = databases().shardOf(userId);
  await requireDevice(shard.pool, shard, userId, deviceId);
  return await issueTicket(userId, deviceId);
});
