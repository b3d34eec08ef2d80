import { spawn } from 'node:child_process';

/** By which each system opens an address or a file. It gets no shell, in which a name could say more. */
const openers: Partial<Record<NodeJS.Platform, readonly [command: string, ...words: string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/**
 * Has the system open an address or a file, if it has a way to.
 * @param program in place of the system's way
 */
export function openOutside(target: string, program?: string): void {
  const [command, ...words] = program ? [program] : (openers[process.platform] ?? ['xdg-open']);
  const opener = spawn(command, [...words, target], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
