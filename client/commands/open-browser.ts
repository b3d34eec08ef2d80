import { spawn } from 'node:child_process';

/** By which each system opens an address. It gets no shell, in which an address could say more. */
const openers: Partial<Record<NodeJS.Platform, readonly [command: string, ...words: string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** Shows an address, and opens it where the system, or the variable BROWSER, has a way to. */
export function openBrowser(url: string): void {
  console.error(`Sign in in your browser. If none opens, go there yourself:\n  ${url}`);
  const { BROWSER } = process.env;
  const [command, ...words] = BROWSER ? [BROWSER] : (openers[process.platform] ?? ['xdg-open']);
  const opener = spawn(command, [...words, url], { stdio: 'ignore', detached: true });
  opener.on('error', () => undefined);
  opener.unref();
}
