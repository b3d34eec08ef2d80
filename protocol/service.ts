import * as z from 'zod';
import { ServedClient } from './client-release.ts';

/** GET /service, without a token: what a client needs to know before it can sign in. */
export const ServiceResponse = z.strictObject({
  protocol: z.literal(1),
  api_url: z.url(),
  socket_url: z.url(),
  auth: z.strictObject({
    /** Issuer of the tokens; its origin answers Cognito's InitiateAuth. */
    provider_url: z.url(),
    client_id: z.string(),
    /** Pages to sign in with a browser: OAuth 2.0 with PKCE. A service without identity provider may have none. */
    pages: z
      .strictObject({
        /** Its `/oauth2/authorize` and `/oauth2/token`. */
        url: z.url(),
        /** Another client, whose tokens the service takes as well. */
        client_id: z.string(),
        /** One of them has to be the `redirect_uri`; all are on the user's machine. */
        callback_urls: z.array(z.url()).min(1),
      })
      .optional(),
  }),
  client: ServedClient.optional(),
});
export type ServiceResponse = z.infer<typeof ServiceResponse>;
