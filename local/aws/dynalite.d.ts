declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** Makes a DynamoDB server over a LevelDB folder; it verifies no signature. */
  function dynalite(options: { path: string; createTableMs: number }): Server;
  export = dynalite;
}
