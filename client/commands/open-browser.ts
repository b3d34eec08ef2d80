import { openOutside } from './open-outside.ts';

/** Shows an address, and opens it where the system, or the variable BROWSER, has a way to. */
export function openBrowser(url: string): void {
  console.error(`Sign in in your browser. If none opens, go there yourself:\n  ${url}`);
  openOutside(url, process.env.BROWSER);
}
