import { randomUUID } from 'node:crypto';
import { AwsError } from '../errors.ts';
import { type Secret, secretOf } from './passwords.ts';
import type { Factor } from './second-factor.ts';
import { attributesOf, demandPassword, keyOf, type PoolSettings } from './settings.ts';
import { type Subject, seconds } from './tokens.ts';

/** A password is kept of who signs in here, and not at a provider. */
export interface User extends Partial<Secret> {
  /** The `sub` claim. */
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Seconds since 1970 until which the password lets the user choose one of his own, and nothing else. */
  readonly temporaryUntil?: number;
  readonly disabled?: boolean;
  readonly factor?: Factor;
  /** Seconds since 1970. */
  readonly createdAt: number;
}

/** A user as an administrator sees him. */
export interface UserSummary {
  readonly username: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  readonly status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD' | 'EXTERNAL_PROVIDER';
  /** Seconds since 1970. */
  readonly createdAt: number;
  /** Whether a sign-in asks for a code. */
  readonly hasFactor: boolean;
}

/** A user as an administrator makes one. */
export interface NewUser {
  readonly username: string;
  readonly password: string;
  /** Whether the user has to choose another one at his first sign-in. @default false */
  readonly temporary?: boolean;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Whom a provider signed in. */
export interface ExternalUser {
  /** The provider's name in the pool. */
  readonly provider: string;
  /** By which the provider knows him, for ever. */
  readonly subject: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** The users of a pool, each under the name that he signs in with. */
export class Users {
  readonly #settings: PoolSettings;
  readonly #users: Record<string, User>;
  readonly #save: () => Promise<void>;

  constructor(settings: PoolSettings, users: Record<string, User>, save: () => Promise<void>) {
    this.#settings = settings;
    this.#users = users;
    this.#save = save;
  }

  get(key: string): User | undefined {
    return this.#users[key];
  }

  async change(key: string, part: Partial<User>): Promise<void> {
    this.#users[key] = { ...this.#users[key]!, ...part };
    await this.#save();
  }

  /** No error if the user exists. */
  async create({ username, password, temporary = false, attributes }: NewUser): Promise<void> {
    const key = keyOf(this.#settings, username);
    const known = attributesOf(this.#settings, username, attributes);
    if (this.#users[key]) return;
    demandPassword(this.#settings, password);
    const until = seconds() + this.#settings.password.temporaryTtl;
    this.#users[key] = {
      ...(await secretOf(password)),
      id: randomUUID(),
      attributes: known,
      createdAt: seconds(),
      ...(temporary && { temporaryUntil: until }),
    };
    await this.#save();
  }

  /** A password of the user's own. */
  async setPassword(key: string, password: string): Promise<void> {
    demandPassword(this.#settings, password);
    const { temporaryUntil: _, ...rest } = this.#users[key]!;
    this.#users[key] = { ...rest, ...(await secretOf(password)) };
    await this.#save();
  }

  /**
   * The key of a provider's user, whom his first sign-in makes; each one brings his attributes up to date. One who has
   * the address of a user with a password is another user all the same, as in Cognito.
   */
  async admit({ provider, subject, attributes }: ExternalUser): Promise<string> {
    const key = keyOf(this.#settings, `${provider}_${subject}`);
    const identities = JSON.stringify([{ userId: subject, providerName: provider }]);
    const { id = randomUUID(), createdAt = seconds(), disabled = false } = this.#users[key] ?? {};
    this.#users[key] = { id, createdAt, disabled, attributes: { ...attributes, identities } };
    await this.#save();
    return key;
  }

  /** By the name that he signs in with; of who has a password here, also by the id that Cognito gave. */
  keyOf(username: string): string | undefined {
    const key = keyOf(this.#settings, username);
    if (this.#users[key]) return key;
    return Object.entries(this.#users).find(([, { id, hash }]) => hash !== undefined && id === username)?.[0];
  }

  /** @throws AwsError UserNotFoundException */
  demand(username: string): string {
    const key = this.keyOf(username);
    if (key === undefined) throw new AwsError('UserNotFoundException', 'User does not exist.');
    return key;
  }

  /** As tokens name him. */
  subject(key: string): Subject {
    const { id = '', attributes = {}, hash } = this.#users[key] ?? {};
    return { id, username: hash && this.#settings.emailIsName ? id : key, attributes };
  }

  summary(key: string): UserSummary {
    const { id, attributes, disabled = false, temporaryUntil, createdAt, hash } = this.#users[key]!;
    const own = temporaryUntil === undefined ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD';
    return {
      username: this.subject(key).username,
      attributes: { ...attributes, sub: id },
      enabled: !disabled,
      status: hash ? own : 'EXTERNAL_PROVIDER',
      createdAt,
      hasFactor: this.asksForCode(key),
    };
  }

  /** All users, by name. */
  list(): UserSummary[] {
    return Object.keys(this.#users)
      .sort((one, other) => one.localeCompare(other))
      .map((key) => this.summary(key));
  }

  /**
   * Whether a sign-in asks for a code. Where the pool requires a second factor, nobody can do without one that he has
   * set up, whatever he or an administrator prefers.
   */
  asksForCode(key: string): boolean {
    const { mfa } = this.#settings;
    const { verified = false, enabled = false } = this.#users[key]?.factor ?? {};
    return mfa !== 'OFF' && verified && (enabled || mfa === 'ON');
  }
}
