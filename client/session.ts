import { signInWithRefreshToken, type Tokens } from './auth.ts';
import { type Configuration, saveConfiguration } from './config.ts';

/** Milliseconds before its end at which an access token is replaced. */
const EARLY_MS = 60_000;

export interface Session {
  /** A valid access token; `renew` asks for a fresh one even when the present one has not ended. */
  token(renew?: boolean): Promise<string>;
}

/** Access tokens by the device's refresh token; callers at the same time share one request. */
export function startSession(folder: string, configuration: Configuration, first?: Tokens): Session {
  let tokens = first;
  let refreshing: Promise<Tokens> | undefined;
  let refreshToken = configuration.refresh_token;

  const refresh = async (): Promise<Tokens> => {
    const fresh = await signInWithRefreshToken(configuration, refreshToken);
    if (fresh.refresh !== undefined && fresh.refresh !== refreshToken) {
      refreshToken = fresh.refresh;
      await saveConfiguration(folder, { ...configuration, refresh_token: refreshToken });
    }
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
