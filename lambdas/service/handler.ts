import type { ServiceResponse } from '../../protocol/service.ts';
import { publicRoute } from '../shared/http/route.ts';
import { requireEnv } from '../shared/runtime/env.ts';

export const handler = publicRoute(async (): Promise<ServiceResponse> => {
  // A deployment without sign-in pages has none to name.
  const { AUTH_PAGES } = process.env;
  return {
    protocol: 1,
    api_url: requireEnv('API_URL'),
    socket_url: requireEnv('SOCKET_URL'),
    auth: {
      provider_url: requireEnv('AUTH_PROVIDER_URL'),
      client_id: requireEnv('AUTH_CLIENT_ID'),
      ...(AUTH_PAGES && { pages: JSON.parse(AUTH_PAGES) }),
    },
  };
});
