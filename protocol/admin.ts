import * as z from 'zod';
import { Hash } from './hash.ts';
import { Uuid } from './uuid.ts';

const ShardNumber = z.int().min(0).max(63);

/**
 * How far an audit has come. First the shards' own books, user by user; then the counts, what is booked of small contents,
 * and at last the objects; counts and objects in the order of the hashes.
 */
export const AuditPlace = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('holds'), shard: ShardNumber, after: z.uuid().optional() }),
  z.object({ phase: z.literal('counts'), after: Hash.optional() }),
  z.object({ phase: z.literal('contents') }),
  z.object({ phase: z.literal('objects'), after: z.string().optional() }),
]);
export type AuditPlace = z.infer<typeof AuditPlace>;

/** One thing that an audit found wrong. */
export const Finding = z.discriminatedUnion('kind', [
  /** A user's book of held blocks differs from the versions. */
  z.object({ kind: z.literal('hold-drift'), hash: Hash, user_id: z.uuid(), booked: z.int(), actual: z.int() }),
  /** The reference count differs from the versions that hold the block; too low is a danger, too high only waste. */
  z.object({ kind: z.literal('count-drift'), hash: Hash, counted: z.int(), actual: z.int() }),
  /** What a user is booked to have of small contents, in bytes, differs from their rows. */
  z.object({ kind: z.literal('content-drift'), user_id: z.uuid(), booked: z.int(), actual: z.int() }),
  /** An object that no row knows. */
  z.object({ kind: z.literal('orphan'), key: z.string() }),
  /**
   * A block without an object, one whose object has another size or content, and one whose object has headers by which
   * readers would take it for something else: all are quarantined now.
   */
  z.object({ kind: z.literal('missing'), hash: Hash }),
  z.object({ kind: z.literal('corrupt'), hash: Hash }),
  z.object({ kind: z.literal('mislabelled'), hash: Hash }),
  /** Quarantined by an earlier audit, and no device has sent the content yet. */
  z.object({ kind: z.literal('quarantined'), hash: Hash }),
]);
export type Finding = z.infer<typeof Finding>;

/** What an operator asks of the admin function; who may invoke it is IAM's matter. */
export const AdminRequest = z.discriminatedUnion('command', [
  z.object({ command: z.literal('shards') }),
  z.object({
    command: z.literal('audit'),
    /** Which part of the blocks is read and hashed. */
    sample: z.number().min(0).max(1),
    /** Where the run before this one ended. */
    from: AuditPlace.optional(),
  }),
  z.object({ command: z.literal('move-shard'), shard: ShardNumber, to: z.string() }),
  z.object({ command: z.literal('cancel-move'), shard: ShardNumber }),
  z.object({ command: z.literal('begin-timelines') }),
  z.object({ command: z.literal('user-pool') }),
  z.object({ command: z.literal('accounts'), user_ids: z.array(Uuid).max(60) }),
  /** `null` takes a user's own quota away: the profile's holds. */
  z.object({ command: z.literal('set-quota'), user_id: Uuid, bytes: z.int().min(0).nullable() }),
]);
export type AdminRequest = z.infer<typeof AdminRequest>;

const Shard = z.object({
  shard: z.int(),
  cluster: z.string(),
  users: z.int(),
  /** Live files. */
  files: z.int(),
  /** Bytes of the live files. */
  bytes: z.int(),
});

/** Of a user who has signed in at least once. */
const AccountSummary = z.object({
  user_id: Uuid,
  /** Devices that are not revoked. */
  devices: z.int(),
  /** Bytes of live files. */
  used_bytes: z.int(),
  /** The user's own, or else the profile's as of his last upload. */
  quota_bytes: z.int().nullable(),
});

/** The answers by command. */
export const adminAnswers = {
  shards: z.object({ shards: z.array(Shard) }),
  audit: z.object({
    checked: z.object({ users: z.int(), blocks: z.int(), objects: z.int(), contents: z.int() }),
    findings: z.array(Finding),
    /** Where to go on; absent when the audit is complete. */
    next: AuditPlace.optional(),
  }),
  /** Until it is moved: ask again. */
  'move-shard': z.discriminatedUnion('state', [
    /** `rows`: how many this run copied. */
    z.object({ state: z.literal('copying'), table: z.string(), rows: z.int() }),
    /** Everything is copied; `reason`: why the last try to switch was given up, so that writers went on. */
    z.object({ state: z.literal('switching'), reason: z.string() }),
    z.object({ state: z.literal('moved') }),
  ]),
  'cancel-move': z.object({}),
  'begin-timelines': z.object({ accounts: z.int() }),
  /** Where the service's users are. */
  'user-pool': z.object({ user_pool_id: z.string() }),
  accounts: z.object({ accounts: z.array(AccountSummary) }),
  'set-quota': z.object({}),
} as const;
export type AdminAnswers = { [Command in keyof typeof adminAnswers]: z.infer<(typeof adminAnswers)[Command]> };

/** What the function answers instead when the request cannot be served: the operator is told the message. */
export const AdminRefusal = z.object({ refusal: z.string() });
export type AdminRefusal = z.infer<typeof AdminRefusal>;
