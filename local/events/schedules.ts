import { randomUUID } from 'node:crypto';
import { LocalError, reason } from '../errors.ts';
import { isObject } from '../json.ts';
import type { MayInvoke } from '../lambda/permissions.ts';
import type { Log, Resource } from '../types.ts';
import { ACCOUNT, type InvokeResult, REGION } from '../types.ts';

export interface Schedule {
  readonly ruleArn: string;
  readonly logicalId: string;
  readonly everyMs: number;
  readonly targets: readonly { readonly functionArn: string; readonly input: string | undefined }[];
}

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** A schedule that came due while the cloud was down runs once it has settled. */
const SETTLE_MS = 2000;

/** Reads an AWS::Events::Rule; undefined if it is disabled. Only `rate(…)` schedules with Lambda targets are run. */
export function readSchedule({ logicalId, attributes, properties }: Resource): Schedule | undefined {
  if (properties.State === 'DISABLED') return undefined;
  const expression = String(properties.ScheduleExpression ?? '');
  const [, count, unit = ''] = expression.match(/^rate\((\d+) (minute|hour|day)s?\)$/) ?? [];
  if (!count) {
    throw new LocalError(
      'Template',
      `${logicalId}: ${expression || 'a rule without a schedule'} is not run locally; use rate()`,
    );
  }
  const targets = [properties.Targets ?? []].flat().filter(isObject);
  const odd = targets.flatMap((target) => Object.keys(target)).find((key) => !['Arn', 'Id', 'Input'].includes(key));
  if (odd) throw new LocalError('Template', `${logicalId}.Targets: ${odd} is not run by the local cloud`);
  return {
    ruleArn: String(attributes.Arn),
    logicalId,
    everyMs: Number(count) * (UNIT_MS[unit] ?? 0),
    targets: targets.map(({ Arn, Input }) => ({
      functionArn: String(Arn),
      input: Input === undefined ? undefined : String(Input),
    })),
  };
}

function scheduledEvent(ruleArn: string): object {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    region: REGION,
    resources: [ruleArn],
    detail: {},
  };
}

/** Runs schedules until stopped. `lastRun` and `ran` keep, across restarts, when each ran last (ms since 1970). */
export async function startSchedules(
  schedules: readonly Schedule[],
  services: {
    readonly mayInvoke: MayInvoke;
    readonly invoke: (functionArn: string, payload: Buffer, mode: 'Event') => Promise<InvokeResult>;
    readonly lastRun: (ruleArn: string) => number | undefined;
    readonly ran: (ruleArn: string) => Promise<void>;
    readonly log: Log;
  },
): Promise<{ stop(): void }> {
  const timers = new Map<string, NodeJS.Timeout>();
  const report = (schedule: Schedule) => (error: unknown) =>
    services.log(`schedule ${schedule.logicalId}: ${reason(error)}`);
  const fire = async ({ ruleArn, logicalId, targets }: Schedule): Promise<void> => {
    await services.ran(ruleArn);
    for (const { functionArn, input } of targets) {
      if (!services.mayInvoke('events.amazonaws.com', functionArn, ruleArn)) {
        const name = functionArn.split(':').at(-1);
        services.log(`schedule ${logicalId} may not invoke ${name}: add an AWS::Lambda::Permission in lib/`);
        continue;
      }
      const payload = Buffer.from(input ?? JSON.stringify(scheduledEvent(ruleArn)));
      await services.invoke(functionArn, payload, 'Event');
    }
  };
  const plan = (schedule: Schedule, waitMs: number): void => {
    const timer = setTimeout(() => {
      plan(schedule, schedule.everyMs);
      fire(schedule).catch(report(schedule));
    }, waitMs);
    timers.set(schedule.logicalId, timer);
  };
  for (const schedule of schedules) {
    const last = services.lastRun(schedule.ruleArn);
    // A new schedule's first run is one interval from now, as after a deployment, however often the cloud restarts.
    if (last === undefined) await services.ran(schedule.ruleArn);
    const due = (last ?? Date.now()) + schedule.everyMs;
    plan(schedule, Math.min(Math.max(due - Date.now(), SETTLE_MS), schedule.everyMs));
  }
  return {
    stop() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
