import { requireEnv } from './env.ts';

/**
 * The credentials of a function: Lambda sets them as variables. In bundles this stands for the SDK's whole chain of
 * providers (profiles, SSO, web identity, instance metadata) with its clients, under both names; see lib/constructs/bundle.ts.
 */
export const defaultProvider = () => async () => ({
  accessKeyId: requireEnv('AWS_ACCESS_KEY_ID'),
  secretAccessKey: requireEnv('AWS_SECRET_ACCESS_KEY'),
  sessionToken: requireEnv('AWS_SESSION_TOKEN'),
});
export { defaultProvider as fromNodeProviderChain };
