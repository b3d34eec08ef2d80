import { LocalTrouble } from '../common/errors.ts';
import { type Configuration, saveConfiguration } from './config.ts';
import { signInWithRefreshToken, type Tokens } from './sign-in.ts';

/** Milliseconds before its end at which an access token is replaced. */
const EARLY_MS = 60_000;

/** Where the access token for each call comes from. */
export interface AccessTokens {
  /** A valid access token; `renew` asks for a fresh one even when the present one has not ended. */
  token(renew?: boolean): Promise<string>;
}

/**
 * Access tokens by the device's refresh token; callers at the same time share one request. A refresh token that the
 * disk does not take is in use all the same, and is written with the next one.
 *
 * @param onUnsaved told why the new refresh token could not be written
 */
export function keepAccessTokens(
  folder: string,
  configuration: Configuration,
  { first, onUnsaved }: { first?: Tokens; onUnsaved?: (reason: string) => void } = {},
): AccessTokens {
  let tokens = first;
  let refreshing: Promise<Tokens> | undefined;
  let refreshToken = configuration.refresh_token;

  const save = async (): Promise<void> => {
    try {
      await saveConfiguration(folder, { ...configuration, refresh_token: refreshToken });
    } catch (error) {
      if (!(error instanceof LocalTrouble)) throw error;
      onUnsaved?.(error.message);
    }
  };
  const refresh = async (): Promise<Tokens> => {
    const fresh = await signInWithRefreshToken(configuration, refreshToken);
    refreshToken = fresh.refresh ?? refreshToken;
    if (refreshToken !== configuration.refresh_token) await save();
    return fresh;
  };
  return {
    async token(renew = false) {
      if (!tokens || renew || Date.now() > tokens.expires_at - EARLY_MS) {
        refreshing ??= refresh().finally(() => {
          refreshing = undefined;
        });
        tokens = await refreshing;
      }
      return tokens.access;
    },
  };
}
