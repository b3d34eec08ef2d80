import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Whether bytes cost money on the connection that this machine has to the internet, as far as its system says. */
export type Metered = 'yes' | 'no' | 'unknown';

const TIMEOUT_MS = 5_000;

const question = [
  ...['--system', '--json=short', 'get-property'],
  ...['org.freedesktop.NetworkManager', '/org/freedesktop/NetworkManager', 'org.freedesktop.NetworkManager', 'Metered'],
];

/**
 * https://networkmanager.dev/docs/api/latest/nm-dbus-types.html#NMMetered: 1 is yes, 2 is no, 3 and 4 are guesses of the
 * same.
 */
const answers: Readonly<Record<number, Metered>> = { 1: 'yes', 2: 'no', 3: 'yes', 4: 'no' };

/** Asks NetworkManager over D-Bus. Any other system says nothing. */
export async function readMetered(): Promise<Metered> {
  if (process.platform !== 'linux') return 'unknown';
  try {
    const { stdout } = await promisify(execFile)('busctl', question, { timeout: TIMEOUT_MS });
    return answers[JSON.parse(stdout).data] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
