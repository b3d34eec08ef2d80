import type { EncounterName } from './encounters.ts';

/** A mistake in the service that an encounter has to notice. */
export interface Mutation {
  /** What somebody got wrong. */
  readonly mistake: string;
  readonly file: string;
  /** Stands in the file once. */
  readonly replace: string;
  readonly by: string;
  readonly encounter: EncounterName;
  /** How the failure's message begins: the invariant that is broken, or the database's own check. */
  readonly breaks: RegExp;
}

export const mutations: readonly Mutation[] = [
  {
    mistake: 'collection takes no notice of pins',
    file: 'lambdas/gc/blocks.ts',
    replace: 'and p.expires_at > now())`;',
    by: 'and false)`;',
    encounter: 'collection and the end of an upload that took its time',
    breaks: /^I3:/,
  },
  {
    mistake: 'collection does not wait for 72 hours',
    file: 'lambdas/gc/blocks.ts',
    replace: '`b.ref_count = 0 and b.delete_after < now()',
    by: '`b.ref_count = 0',
    encounter: 'a sweep and an upload with the block of an old version',
    breaks: /^I3:/,
  },
  {
    mistake: 'collection deletes the newest version of the object, whichever that is',
    file: 'lambdas/shared/block-store.ts',
    replace: '{ ...objectOf(hash), VersionId: versionId }',
    by: 'objectOf(hash)',
    encounter: 'collection and an upload of a block that is being deleted',
    breaks: /^I(1|3|27):/,
  },
  {
    mistake: 'collection does not ask again, under the lock, whether a block is unused',
    file: 'lambdas/gc/blocks.ts',
    replace: 'where b.block_hash = listed.hash and',
    by: 'where b.block_hash = listed.hash or false and',
    encounter: 'collection and an upload of a condemned block',
    breaks: /^I[13]:|blocks_/,
  },
  {
    mistake: 'collection removes the row of a block that an upload has taken up again',
    file: 'lambdas/gc/blocks.ts',
    replace: "where b.state = 'deleting' and b.object_versions = gone.versions for update",
    by: 'for update',
    encounter: 'collection and an upload of a block that is being deleted',
    breaks: /^I[123]:/,
  },
  {
    mistake: 'a repeated finalize counts once more',
    file: 'lambdas/shared/commit/references.ts',
    replace: 'holding.filter(({ versionId }) => entered.get(versionId))',
    by: 'holding',
    encounter: 'one upload finalized twice at once',
    breaks: /^I(2|24):/,
  },
  {
    mistake: 'counts fall before the versions are gone',
    file: 'lambdas/gc/versions.ts',
    replace: '  const ids = rows.map(({ version_id }) => version_id);\n',
    by: "  const ids = rows.map(({ version_id }) => version_id);\n  await lowerReferences(blocks, ids, 'leaving');\n",
    encounter: 'expiry of a version and its restore',
    breaks: /^I2:/,
  },
  {
    mistake: 'two expiries take the same counts back',
    file: 'lambdas/shared/tables/ledger.ts',
    replace:
      'gone as (delete from blocks.ledger l using old where l.version_id = old.version_id returning l.block_hashes)',
    by: 'gone as (select l.block_hashes from blocks.ledger l join old using (version_id))',
    encounter: 'two expiries at once',
    breaks: /^I(1|2|24):|violates check constraint "blocks_/,
  },
  {
    mistake: 'a restore counts nothing',
    file: 'lambdas/shared/commit/references.ts',
    replace: 'return await raiseReferences(sql, found, possible);',
    by: 'return new Set(possible.map(({ versionId }) => versionId));',
    encounter: 'a move and a restore of the same file',
    breaks: /^I2:/,
  },
  {
    mistake: 'the newest version of a live file expires',
    file: 'lambdas/gc/versions.ts',
    replace: '`v.superseded_at < now()',
    by: '`coalesce(v.superseded_at, v.created_at) < now()',
    encounter: 'expiry of a version and its restore',
    breaks: /^I4:/,
  },
  {
    mistake: 'the space of an upload that was given up stays reserved',
    file: 'lambdas/shared/tables/uploads.ts',
    replace: '  await releaseBytes(sql, shard, reserved);\n  return reserved.length;',
    by: '  return reserved.length;',
    encounter: 'two users with the same new content',
    breaks: /^I7:/,
  },
  {
    mistake: 'an event leaves the outbox before it is published',
    file: 'lambdas/relay/drain.ts',
    replace: '    await publisher.publish(events);\n    await removeEvents(sql, shard, events);\n',
    by: "    await removeEvents(sql, shard, events);\n    await sql.query('commit');\n    await publisher.publish(events);\n",
    encounter: 'two relays at once',
    breaks: /^I9:/,
  },
  {
    mistake: 'two commits of one user look at the same state',
    file: 'lambdas/shared/tables/accounts.ts',
    replace: 'where user_id = $1 for update`,',
    by: 'where user_id = $1`,',
    encounter: 'two uploads to one path',
    breaks: /^I[458]:|duplicate key/,
  },
  {
    mistake: 'upload-init counts on a block without keeping collection away',
    file: 'lambdas/shared/tables/blocks.ts',
    replace: "'order by block_hash for key share'",
    by: "'order by block_hash'",
    encounter: 'collection and a proof of having a condemned block',
    breaks: /^I[13]:|^The specified key does not exist/,
  },
];
