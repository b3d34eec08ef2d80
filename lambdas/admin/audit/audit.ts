import type { AdminAnswers, AuditPlace } from '../../../protocol/admin.ts';
import type { Databases } from '../../shared/database/database.ts';
import { auditContentBytes } from './content-bytes.ts';
import { auditCounts } from './counts.ts';
import { auditHolds } from './holds.ts';
import { auditObjects } from './objects.ts';
import type { Step } from './step.ts';

type Answer = AdminAnswers['audit'];

/** Findings in one answer: about 200 bytes each, of Lambda's 6 MB. */
const MOST_FINDINGS = 5000;

/**
 * Runs the audit from a place until the time (ms since 1970) is up or there is enough to tell. It deletes nothing; a
 * block that is missing or damaged in the store is quarantined.
 */
export async function audit(
  databases: Databases,
  { from, sample, until }: { from: AuditPlace | undefined; sample: number; until: number },
): Promise<Answer> {
  const answer: Answer = { checked: { users: 0, blocks: 0, objects: 0, contents: 0 }, findings: [] };
  let place: AuditPlace | undefined = from ?? { phase: 'holds', shard: 0 };
  while (place && Date.now() < until && answer.findings.length < MOST_FINDINGS) {
    const step: Step = await takeStep(databases, place, sample);
    for (const [name, count] of Object.entries(step.checked)) answer.checked[name as keyof Answer['checked']] += count;
    answer.findings.push(...step.findings);
    place = step.next ?? phaseAfter(place, databases.shards.length);
  }
  return { ...answer, ...(place && { next: place }) };
}

async function takeStep(databases: Databases, place: AuditPlace, sample: number): Promise<Step> {
  switch (place.phase) {
    case 'holds':
      return await auditHolds(databases.shards[place.shard]!, place.after);
    case 'counts':
      return await auditCounts(databases, place.after);
    case 'contents':
      return await auditContentBytes(databases.blocks);
    case 'objects':
      return await auditObjects(databases.blocks, place.after ?? '', sample);
  }
}

function phaseAfter(place: AuditPlace, shards: number): AuditPlace | undefined {
  if (place.phase === 'objects') return undefined;
  if (place.phase === 'counts') return { phase: 'contents' };
  if (place.phase === 'contents') return { phase: 'objects' };
  const shard = place.shard + 1;
  return shard < shards ? { phase: 'holds', shard } : { phase: 'counts' };
}
