import { LocalTrouble } from '../common/errors.ts';
import { type Configuration, changeConfiguration } from './config.ts';
import { signInWithRefreshToken, type Tokens } from './sign-in.ts';

/** An access token is replaced so long before its end. */
const EARLY_MS = 60_000;

interface TokenOptions {
  /** Asks for a fresh one even when the present one has not ended. */
  readonly renew?: boolean;
  /** Ends the waiting for one. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the access token for each call comes from. */
export interface AccessTokens {
  /** A valid access token. */
  token(options?: TokenOptions): Promise<string>;
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
      await changeConfiguration(folder, { refresh_token: refreshToken });
    } catch (error) {
      if (!(error instanceof LocalTrouble)) throw error;
      onUnsaved?.(error.message);
    }
  };
  const refresh = async (signal?: AbortSignal): Promise<Tokens> => {
    const fresh = await signInWithRefreshToken(configuration, refreshToken, signal);
    refreshToken = fresh.refresh ?? refreshToken;
    if (refreshToken !== configuration.refresh_token) await save();
    return fresh;
  };
  return {
    async token({ renew = false, signal } = {}) {
      if (!tokens || renew || performance.now() > tokens.until - EARLY_MS) {
        refreshing ??= refresh(signal).finally(() => {
          refreshing = undefined;
        });
        tokens = await refreshing;
      }
      return tokens.access;
    },
  };
}
