import type { AdminAnswers, AuditPlace, Finding } from '../../../protocol/admin.ts';

/** What one step of the audit did. */
export interface Step {
  readonly checked: Partial<AdminAnswers['audit']['checked']>;
  readonly findings: readonly Finding[];
  /** Absent at the end of the phase. */
  readonly next?: AuditPlace;
}
