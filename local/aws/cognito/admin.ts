import { randomBytes } from 'node:crypto';
import { ACCOUNT, type Log, REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { type JsonApi, operationOf, parseMembers, unknownOperation } from '../json-api.ts';
import type { Pool, UserSummary } from './pool.ts';
import type { Cognito } from './server.ts';

type Members = Readonly<Record<string, unknown>>;
type Attributes = readonly { readonly Name: string; readonly Value: string }[];

/** The calls of Cognito that administrators make, with a signature. What it would mail stands in the cloud's log. */
export function createAdminApi({ pool: poolOf }: Pick<Cognito, 'pool'>, access: Access, log: Log): JsonApi {
  const operations: Readonly<Record<string, (pool: Pool, members: Members) => Promise<unknown>>> = {
    AdminCreateUser: (pool, members) => createUser(pool, members, log),
    ListUsers: async (pool, members) => listUsers(pool, members),
    async AdminDisableUser(pool, { Username }) {
      await pool.enable(String(Username), false);
      return {};
    },
    async AdminEnableUser(pool, { Username }) {
      await pool.enable(String(Username), true);
      return {};
    },
    async AdminUserGlobalSignOut(pool, { Username }) {
      await pool.signOut(String(Username));
      return {};
    },
  };
  return {
    service: 'cognito-idp',
    async handle({ request, response, principal, body }) {
      const operation = operationOf(request);
      const run = operations[operation];
      if (!run) throw unknownOperation('Cognito', operation);
      const members = parseMembers(body);
      const id = String(members.UserPoolId);
      access.demand(principal, `cognito-idp:${operation}`, `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${id}`);
      const pool = poolOf(id);
      if (!pool) throw new AwsError('ResourceNotFoundException', `User pool ${id} does not exist.`);
      sendJson(response, 200, await run(pool, members));
    },
  };
}

async function createUser(pool: Pool, members: Members, log: Log): Promise<unknown> {
  const username = String(members.Username);
  if (pool.has(username)) throw new AwsError('UsernameExistsException', 'User account already exists');
  const password = String(members.TemporaryPassword ?? `Aa1!${randomBytes(12).toString('base64url')}`);
  const given = (members.UserAttributes ?? []) as Attributes;
  const attributes = Object.fromEntries(given.map(({ Name, Value }) => [Name, Value]));
  await pool.createUser({ username, password, temporary: true, attributes });
  if (members.MessageAction !== 'SUPPRESS')
    log(`cognito: mail to ${username}: your first password is ${password}`, 'note');
  const name = attributes.email ?? username;
  return {
    User: pool
      .list()
      .filter(({ attributes: { email } }) => email === name)
      .map(described)[0],
  };
}

/** `Filter` is of the form `email = "…"`, or there is none; `PaginationToken` the number of users before the page. */
function listUsers(pool: Pool, { Filter, Limit, PaginationToken }: Members): unknown {
  const wanted = /^email = "(.*)"$/.exec(String(Filter ?? ''))?.[1];
  const users = pool.list().filter(({ attributes }) => wanted === undefined || attributes.email === wanted);
  const [first, size] = [Number(PaginationToken ?? 0), Number(Limit ?? 60)];
  const next = first + size;
  const more = next < users.length ? { PaginationToken: String(next) } : {};
  return { Users: users.slice(first, next).map(described), ...more };
}

function described({ username, attributes, enabled, status, createdAt }: UserSummary): unknown {
  return {
    Username: username,
    Attributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    Enabled: enabled,
    UserStatus: status,
    UserCreateDate: createdAt,
  };
}
