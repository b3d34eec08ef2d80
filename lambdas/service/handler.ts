import { leastClient, type ServedClient } from '../../protocol/client-release.ts';
import type { ServiceResponse } from '../../protocol/service.ts';
import { Refusal } from '../shared/answers/errors.ts';
import { publicRoute, TextAnswer } from '../shared/http/route.ts';
import { requireEnv } from '../shared/runtime/env.ts';
import { installScript } from './install-script.ts';

export const handler = publicRoute(async ({ routeKey }) => (routeKey === 'GET /install' ? install() : describe()));

function describe(): ServiceResponse {
  const pages = signInPages();
  const release = servedRelease();
  return {
    protocol: 1,
    api_url: requireEnv('API_URL'),
    socket_url: requireEnv('SOCKET_URL'),
    auth: {
      provider_url: requireEnv('AUTH_PROVIDER_URL'),
      client_id: requireEnv('AUTH_CLIENT_ID'),
      ...(pages && { pages }),
    },
    client: { least: leastClient, ...(release && { release }) },
  };
}

function install(): TextAnswer {
  const release = servedRelease();
  if (!release) throw new Refusal('not_found', 'this service gives no client: ask whoever runs it for one');
  const script = installScript(requireEnv('API_URL'), release, signInPages() !== undefined);
  return new TextAnswer('text/x-shellscript; charset=utf-8', script);
}

/** A deployment without sign-in pages has none to name. */
function signInPages(): ServiceResponse['auth']['pages'] {
  const { AUTH_PAGES } = process.env;
  return AUTH_PAGES ? JSON.parse(AUTH_PAGES) : undefined;
}

/** A deployment without a client has none to give. */
function servedRelease(): ServedClient['release'] {
  const { CLIENT_RELEASE } = process.env;
  return CLIENT_RELEASE ? JSON.parse(CLIENT_RELEASE) : undefined;
}
