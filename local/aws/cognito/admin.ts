import { randomBytes } from 'node:crypto';
import { ACCOUNT, type Log, REGION } from '../../types.ts';
import type { Access } from '../access.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { type JsonApi, operationOf, parseMembers, unknownOperation } from '../json-api.ts';
import type { Pool } from './pool.ts';
import type { Cognito } from './server.ts';
import type { UserSummary } from './users.ts';

type Members = Readonly<Record<string, unknown>>;
type Attributes = readonly { readonly Name: string; readonly Value: string }[];

/** The calls of Cognito that administrators make, with a signature. What it would mail stands in the cloud's log. */
export function createAdminApi(cognito: Pick<Cognito, 'pool' | 'poolAt'>, access: Access, log: Log): JsonApi {
  const operations: Readonly<Record<string, (pool: Pool, members: Members) => Promise<unknown>>> = {
    AdminCreateUser: (pool, members) => createUser(pool, members, log),
    ListUsers: async (pool, members) => listUsers(pool, members),
    async AdminDisableUser({ users }, { Username }) {
      await users.change(users.demand(String(Username)), { disabled: true });
      return {};
    },
    async AdminEnableUser({ users }, { Username }) {
      await users.change(users.demand(String(Username)), { disabled: false });
      return {};
    },
    async AdminGetUser({ users }, { Username }) {
      const user = users.summary(users.demand(String(Username)));
      const { Attributes: UserAttributes, ...rest } = described(user);
      const factors = user.hasFactor ? ['SOFTWARE_TOKEN_MFA'] : [];
      return { ...rest, UserAttributes, ...(user.hasFactor && { UserMFASettingList: factors }) };
    },
    async AdminSetUserMFAPreference(pool, { Username, SoftwareTokenMfaSettings }) {
      const { Enabled } = (SoftwareTokenMfaSettings ?? {}) as Members;
      await pool.prefer(pool.users.demand(String(Username)), Enabled === true);
      return {};
    },
    GetUserPoolMfaConfig: async ({ mfa }) => ({ MfaConfiguration: mfa }),
    async AdminUserGlobalSignOut(pool, { Username }) {
      await pool.signOut(String(Username));
      return {};
    },
  };
  return {
    service: 'cognito-idp',
    async handle({ request, response, principal, body }) {
      const operation = operationOf(request);
      if (operation === 'DescribeUserPoolDomain') {
        access.demand(principal, 'cognito-idp:DescribeUserPoolDomain', '*');
        const { Domain } = parseMembers(body);
        const UserPoolId = cognito.poolAt(String(Domain));
        return sendJson(response, 200, { DomainDescription: UserPoolId ? { Domain, UserPoolId } : {} });
      }
      const run = operations[operation];
      if (!run) throw unknownOperation('Cognito', operation);
      const members = parseMembers(body);
      const id = String(members.UserPoolId);
      access.demand(principal, `cognito-idp:${operation}`, `arn:aws:cognito-idp:${REGION}:${ACCOUNT}:userpool/${id}`);
      const pool = cognito.pool(id);
      if (!pool) throw new AwsError('ResourceNotFoundException', `User pool ${id} does not exist.`);
      sendJson(response, 200, await run(pool, members));
    },
  };
}

async function createUser(pool: Pool, members: Members, log: Log): Promise<unknown> {
  const username = String(members.Username);
  const { users } = pool;
  if (users.keyOf(username)) throw new AwsError('UsernameExistsException', 'User account already exists');
  const password = String(members.TemporaryPassword ?? `Aa1!${randomBytes(12).toString('base64url')}`);
  const given = (members.UserAttributes ?? []) as Attributes;
  const attributes = Object.fromEntries(given.map(({ Name, Value }) => [Name, Value]));
  await users.create({ username, password, temporary: true, attributes });
  if (members.MessageAction !== 'SUPPRESS')
    log(`cognito: mail to ${username}: your first password is ${password}`, 'note');
  return { User: described(users.summary(users.demand(username))) };
}

/** `Filter` is of the form `email = "…"` or `username = "…"`, or there is none; `PaginationToken` the number of users before the page. */
function listUsers(pool: Pool, { Filter, Limit, PaginationToken }: Members): unknown {
  const [, by, wanted] = /^(email|username) = "(.*)"$/.exec(String(Filter ?? '')) ?? [];
  const isWanted = ({ username, attributes }: UserSummary): boolean =>
    by === undefined || (by === 'email' ? attributes.email : username) === wanted;
  const users = pool.users.list().filter(isWanted);
  const [first, size] = [Number(PaginationToken ?? 0), Number(Limit ?? 60)];
  const next = first + size;
  const more = next < users.length ? { PaginationToken: String(next) } : {};
  return { Users: users.slice(first, next).map(described), ...more };
}

function described({ username, attributes, enabled, status, createdAt }: UserSummary) {
  return {
    Username: username,
    Attributes: Object.entries(attributes).map(([Name, Value]) => ({ Name, Value })),
    Enabled: enabled,
    UserStatus: status,
    UserCreateDate: createdAt,
  };
}
