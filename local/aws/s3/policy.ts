import { type Decision, decide, parsePolicy } from '../../iam/policy.ts';

export interface Caller {
  /** A service principal such as cloudfront.amazonaws.com, or a role's ARN. */
  readonly principal: string;
  readonly action: string;
  readonly resource: string;
  /** Values of condition keys. */
  readonly context: Readonly<Record<string, string>>;
}

export type BucketPolicy = (caller: Caller) => Decision;

type Principal = string | Readonly<Record<string, string | readonly string[]>>;

function names(principal: Principal, caller: Caller): boolean {
  const named = typeof principal === 'string' ? [principal] : Object.values(principal).flat();
  return named.includes('*') || named.includes(caller.principal);
}

/** @throws LocalError for a statement that the local cloud cannot evaluate */
export function readPolicy(document: unknown, where: string): BucketPolicy {
  const statements = parsePolicy(document, where);
  const { Statement } = document as { Statement: { Principal: Principal } | { Principal: Principal }[] };
  const principals = [Statement].flat().map((statement) => statement.Principal);
  return (caller) => {
    const applying = statements.filter((_, index) => names(principals[index] ?? '', caller));
    return decide(applying, caller.action, caller.resource, caller.context);
  };
}
