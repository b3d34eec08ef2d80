import * as z from 'zod';

/** GET /service, without a token: what a client needs to know before it can sign in. */
export const ServiceResponse = z.strictObject({
  protocol: z.literal(1),
  api_url: z.url(),
  socket_url: z.url(),
  auth: z.strictObject({
    /** Issuer of the tokens; its origin answers Cognito's InitiateAuth. */
    provider_url: z.url(),
    client_id: z.string(),
  }),
});
export type ServiceResponse = z.infer<typeof ServiceResponse>;
