/** No configuration is longer, with a CA of several certificates in it. */
export const MOST_SIGN_IN_BYTES = 256 * 1024;

/** Whether bytes are a device's configuration, or the beginning of one, wherever they lie: they hold its token. */
export function holdsSignIn(bytes: Uint8Array): boolean {
  if (bytes.length > MOST_SIGN_IN_BYTES || bytes[0] !== '{'.charCodeAt(0)) return false;
  const text = new TextDecoder().decode(bytes);
  return ['provider_url', 'client_id', 'refresh_token'].every((name) => text.includes(`"${name}"`));
}
