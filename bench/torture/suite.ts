/** Two devices of one user that sync, and a folder of a suite's own in both. */
export interface Ground {
  /** Where the suite works: in the folder of the device that it hammers, empty. */
  readonly here: string;
  /** The same folder on the other device, which only receives. */
  readonly there: string;
  /** For what is not to be synced. */
  readonly folder: string;
  /** How long the suite works, in seconds, or what a program of its own takes for that. */
  readonly seconds: number;
  /** Runs a program to its end, in `here` unless told otherwise; throws with what it said when it fails. */
  run(words: readonly string[], cwd?: string): Promise<string>;
  /** Stops the device that is hammered, and starts it with these variables as well. */
  restart(variables: Readonly<Record<string, string>>): Promise<void>;
}

/** A program that nobody here wrote, which works on files as programs do. */
export interface Suite {
  readonly name: string;
  /** What has to be installed for it. */
  readonly program?: string;
  /** Works in `here`. Answers what is wrong there already, and says, if it likes, how much it did. */
  readonly work: (ground: Ground) => Promise<Work>;
  /** Once both folders are equal: what is wrong at the other device. */
  readonly check?: (ground: Ground) => Promise<string[]>;
}

interface Work {
  readonly did: string;
  readonly found?: readonly string[];
}

/** What came of a suite. */
export interface Outcome {
  readonly name: string;
  readonly outcome: 'held' | 'failed' | 'absent';
  /** What the suite did, or which program it lacks. */
  readonly did: string;
  readonly found: readonly string[];
  /** Seconds of the suite's own work, and from then on until both folders were equal. */
  readonly worked?: number;
  readonly equal?: number;
}
