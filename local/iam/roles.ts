/*
 * IAM: what the roles and policies of the templates allow, and the credentials by which a call is known for its role's.
 */

import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LocalError } from '../errors.ts';
import { ACCOUNT, type Caller, type Principal } from '../types.ts';
import type { Calls } from './calls.ts';
import { covers, decide, type Grant, grantsOf, type RequestContext, type Statement } from './policy.ts';

/** A grant and the role that has it. */
export interface RoleGrant extends Grant {
  readonly role: string;
}

/** The roles of the templates, and the credentials that the functions hold of them. */
export interface Roles {
  /** Adds statements to a role; a role may be named before it is defined. */
  attach(roleName: string, statements: readonly Statement[]): void;
  /** Issues a function its credentials of a role. */
  issue(functionName: string, roleArn: string): Principal;
  find(accessKeyId: string): Principal | undefined;
  authorize(caller: Caller, action: string, resource: string, context?: RequestContext): void;
  /** All that the templates allow. */
  grants(): RoleGrant[];
}

const SECRET_BYTES = 32;

function roleName(arn: string): string {
  return arn.split('/').at(-1) ?? arn;
}

/**
 * The credentials derive from a secret kept under `data`, so that what was signed with them (a presigned URL) is still
 * good after a restart, as it is in AWS. What is allowed is recorded in `calls`.
 */
export function createRoles(data: string, calls: Calls): Roles {
  const secret = loadSecret(data);
  const statements = new Map<string, Statement[]>();
  const principals = new Map<string, Principal>();
  const derive = (purpose: string, name: string) => createHmac('sha256', secret).update(`${purpose}\n${name}`).digest();
  return {
    attach(role, added) {
      statements.set(role, [...(statements.get(role) ?? []), ...added]);
    },
    issue(name, roleArn) {
      const id = derive('access key id', name).toString('hex').toUpperCase().slice(0, 16);
      const principal: Principal = {
        name,
        roleArn,
        accessKeyId: `ASIA${id}`,
        secretAccessKey: derive('secret access key', name).toString('base64url').slice(0, 40),
        sessionToken: derive('session token', name).toString('base64'),
      };
      principals.set(principal.accessKeyId, principal);
      return principal;
    },
    find: (accessKeyId) => principals.get(accessKeyId),
    grants: () => [...statements].flatMap(([role, held]) => grantsOf(held).map((grant) => ({ ...grant, role }))),
    authorize({ name, roleArn }, action, resource, context = {}) {
      const role = roleName(roleArn);
      const held = statements.get(role) ?? [];
      const decision = decide(held, action, resource, context);
      if (decision === 'allowed') {
        const used = grantsOf(held).filter((grant) => covers(grant, action, resource, context));
        calls.add({ caller: name, role, action, resource, context }, JSON.stringify([name, action, used]));
        return;
      }
      const user = `arn:aws:sts::${ACCOUNT}:assumed-role/${role}/${name}`;
      const why =
        decision === 'denied'
          ? 'with an explicit deny in an identity-based policy'
          : `because no identity-based policy allows the ${action} action`;
      const message = `User: ${user} is not authorized to perform: ${action} on resource: ${resource} ${why}`;
      throw new LocalError('AccessDenied', message, 403);
    },
  };
}

function loadSecret(data: string): Buffer {
  const file = join(data, 'credentials.secret');
  // One that is cut off was being written when the first start ended: nothing is signed with it.
  const kept = existsSync(file) ? readFileSync(file) : undefined;
  if (kept?.length === SECRET_BYTES) return kept;
  const made = randomBytes(SECRET_BYTES);
  mkdirSync(data, { recursive: true });
  writeFileSync(file, made, { mode: 0o600, flush: true });
  return made;
}
