/** Exit codes that all commands have; each lists its own beside them in its `--help`. */
export const exitCode = { failure: 1, usage: 2 } as const;
