import { realpathSync } from 'node:fs';
import { isSea } from 'node:sea';

/** How this program came to this machine, and so who replaces it. */
export type Installation =
  /** A file that its user put there. */
  | { readonly by: 'user'; readonly place: string }
  /** A package manager of the system, below whose folders nobody else writes. */
  | { readonly by: 'packages'; readonly place: string }
  | { readonly by: 'npm' }
  /** The repository. */
  | { readonly by: 'clone' };

/** Where package managers keep programs; `/usr/local/bin` is its administrator's. */
const managed =
  /^\/(usr\/(s?bin|lib|lib64|libexec|share)|s?bin|lib|nix|gnu|snap|opt\/(homebrew|local)|home\/linuxbrew|usr\/local\/(Cellar|Homebrew)|var\/lib)\//;

export function installation(): Installation {
  if (isSea()) return ofExecutable(realpathSync(process.execPath));
  return realpathSync(process.argv[1]!).includes('/node_modules/') ? { by: 'npm' } : { by: 'clone' };
}

/** @param place the executable, links followed */
export function ofExecutable(place: string): Installation {
  return { by: managed.test(place) ? 'packages' : 'user', place };
}
