import { z } from 'zod';

/** What an operator asks of the admin function; who may invoke it is IAM's matter. */
export const AdminRequest = z.discriminatedUnion('command', [z.object({ command: z.literal('shards') })]);
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

/** The answers by command. */
export const adminAnswers = {
  shards: z.object({ shards: z.array(Shard) }),
} as const;
export type AdminAnswers = { [Command in keyof typeof adminAnswers]: z.infer<(typeof adminAnswers)[Command]> };

/** What the function answers instead when the request cannot be served: the operator is told the message. */
export const AdminRefusal = z.object({ refusal: z.string() });
export type AdminRefusal = z.infer<typeof AdminRefusal>;
