/* What RDS Proxy does otherwise than PostgreSQL: it refuses settings at the start, and keeps connections apart. */

/** What drivers name at the start without being refused: "Considerations for connecting to PostgreSQL" and practice. */
const known = [
  'user',
  'database',
  'application_name',
  'client_encoding',
  'datestyle',
  'timezone',
  'extra_float_digits',
];

/** Why a proxy would refuse a connection with that start; undefined where it would not. */
export function refusedStart(names: Iterable<string>): string | undefined {
  const unknown = [...names].find((name) => !known.includes(name.toLowerCase()));
  if (unknown === undefined) return undefined;
  const what = unknown === 'options' ? 'command-line options' : `the option ${unknown}`;
  return `Feature not supported: RDS Proxy currently doesn't support ${what}.`;
}

/** Bytes of a statement's text above which a proxy does not look what it does. */
const LONGEST = 16 * 1024;

/** By "Avoiding pinning an RDS Proxy", conditions of PostgreSQL. What a transaction sets for itself goes with it. */
const pinning: readonly (readonly [string, RegExp])[] = [
  ['a setting of the session', /^\s*(set(?!\s+(local|transaction)\b)|reset)\b|\bset_config\s*\(/i],
  ['a prepared statement', /^\s*(prepare|execute|deallocate|discard)\b/i],
  ['a cursor', /^\s*declare\b/i],
  ['a notification', /^\s*(un)?listen\b/i],
  ['a library', /^\s*load\b/i],
  ['a temporary object', /^\s*create\s+(temp|temporary)\b/i],
  ['a sequence', /\b(nextval|setval)\s*\(/i],
  ['a lock of the session', /\bpg_(try_)?advisory_lock(_shared)?\s*\(/i],
];

const QUERY = 0x51;
const PARSE = 0x50;
const HEAD = 5;

/** Looks at what a client sends after its start, in whatever pieces, for what makes a proxy pin its connection. */
export class PinWatch {
  readonly #pinned: (why: string) => void;
  /** Of the message that is being read: what came of it, as far as anybody looks. */
  #message = Buffer.alloc(0);
  /** Bytes of it that came. */
  #came = 0;

  /** @param pinned told why, once for each statement */
  constructor(pinned: (why: string) => void) {
    this.#pinned = pinned;
  }

  see(piece: Buffer): void {
    let rest = piece;
    while (rest.length > 0) {
      const wanted = this.#came < HEAD ? HEAD - this.#came : this.#size() - this.#came;
      const part = rest.subarray(0, wanted);
      rest = rest.subarray(part.length);
      this.#came += part.length;
      if (this.#message.length <= HEAD + LONGEST) this.#message = Buffer.concat([this.#message, part]);
      if (this.#came >= HEAD && this.#came === this.#size()) this.#end();
    }
  }

  /** Of the whole message: its type, and a length that counts itself. */
  #size(): number {
    return 1 + this.#message.readInt32BE(1);
  }

  #end(): void {
    const why = this.#why();
    this.#message = Buffer.alloc(0);
    this.#came = 0;
    if (why !== undefined) this.#pinned(why);
  }

  #why(): string | undefined {
    const type = this.#message[0];
    if (type !== QUERY && type !== PARSE) return undefined;
    const body = this.#message.subarray(HEAD);
    const nameEnd = type === PARSE ? body.indexOf(0) : -1;
    if (nameEnd > 0) return 'a named statement';
    const end = body.indexOf(0, nameEnd + 1);
    if (end === -1 || end - nameEnd > LONGEST) return `a statement of more than ${LONGEST} bytes`;
    const text = body.toString('utf8', nameEnd + 1, end);
    const found = pinning.find(([, pattern]) => pattern.test(text));
    return found && `${found[0]} (${text.trim().slice(0, 60)})`;
  }
}
