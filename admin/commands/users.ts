import { randomBytes } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { formatTable } from '../../cli/table.ts';
import type { Context } from '../context.ts';
import { AdminError } from '../errors.ts';
import type { Service } from '../service.ts';
import type { User } from '../users.ts';

const units = { MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 } as const;

export function usersCommand(context: Context): Command {
  const say = (json: unknown, text: string): void => console.log(context.json() ? JSON.stringify(json) : text);
  const add = new Command('add')
    .description('add a user, who gets a first password by mail and chooses his own when he signs in')
    .argument('<email>')
    .option('--print-password', 'mail nothing, and print the first password to hand it over')
    .action(async (email: string, { printPassword }: { printPassword?: true }) => {
      const password = printPassword && `Aa1!${randomBytes(12).toString('base64url')}`;
      const { state } = await (await context.service()).users.add(email, password);
      const how = password === undefined ? 'the first password is in the mail' : `the first password is ${password}`;
      say({ email, state, ...(password !== undefined && { password }) }, `${email} is ${state}; ${how}`);
    });
  const change = (name: 'disable' | 'enable', description: string): Command =>
    new Command(name)
      .description(description)
      .argument('<email>')
      .action(async (email: string) => {
        const { users } = await context.service();
        await users[name](await users.find(email));
        say({ email, state: `${name}d` }, `${email} is ${name}d`);
      });
  const quota = new Command('quota')
    .description("give a user a quota of his own, or 'default' for that of the profile")
    .argument('<email>')
    .argument('<size>', "for example 50GiB, or 'default'", parseSize)
    .action(async (email: string, bytes: number | null) => {
      const service = await context.service();
      const { id } = await service.users.find(email);
      await service.ask({ command: 'set-quota', user_id: id, bytes });
      say(
        { email, quota_bytes: bytes },
        `${email} has ${bytes === null ? 'the quota of the profile' : `${bytes} bytes`}`,
      );
    });
  return new Command('users')
    .description('who may use the service')
    .addCommand(add)
    .addCommand(listCommand(context))
    .addCommand(change('disable', 'let a user in no more: no new tokens; those that are out end within the hour'))
    .addCommand(change('enable', 'let a disabled user in again'))
    .addCommand(quota)
    .addCommand(mfaCommand(context));
}

function mfaCommand(context: Context): Command {
  return new Command('mfa')
    .description("whether a user's sign-in asks for the code of an authenticator app")
    .argument('<email>')
    .option('--reset', 'ask for it no more: for a user who lost the app, and whom you know to be this user')
    .action(async (email: string, { reset }: { reset?: true }) => {
      const { users } = await context.service();
      const user = await users.find(email);
      const { isSetUp, isRequired } = await users.secondFactor(user);
      if (reset && isRequired) throw keptByCognito(email);
      if (reset) await users.dropSecondFactor(user);
      const has = isSetUp && !reset;
      if (context.json()) console.log(JSON.stringify({ email, second_factor: has, required: isRequired }));
      else console.log(`${email} has ${has ? 'a' : 'no'} second factor${isRequired ? '; everybody has to' : ''}`);
    });
}

function keptByCognito(email: string): AdminError {
  const remedy = `'tidemark mfa' on a device of ${email} that is still signed in sets up another one`;
  return new AdminError('failure', `everybody has to have a second factor, and Cognito drops none then: ${remedy}`);
}

function listCommand(context: Context): Command {
  return new Command('list').description('all users: state, devices, bytes of live files, quota').action(async () => {
    const service = await context.service();
    const rows: (string | number)[][] = [['user', 'state', 'devices', 'bytes', 'quota']];
    for await (const page of service.users.pages()) {
      for (const line of await withAccounts(service, page)) {
        if (context.json()) console.log(JSON.stringify(line));
        else rows.push([line.email, line.state, line.devices, line.used_bytes, line.quota_bytes ?? '']);
      }
    }
    if (!context.json()) console.log(formatTable(rows, [0, 1]));
  });
}

/** Users with what the service has of them; nothing of one who never signed in. */
async function withAccounts({ ask }: Service, users: readonly User[]) {
  const { accounts } = await ask({ command: 'accounts', user_ids: users.map(({ id }) => id) });
  const known = new Map(accounts.map(({ user_id, ...account }) => [user_id, account]));
  const nothing = { devices: 0, used_bytes: 0, quota_bytes: null };
  return users.map(({ id, name: _, ...user }) => ({ ...user, ...(known.get(id) ?? nothing) }));
}

function parseSize(text: string): number | null {
  if (text === 'default') return null;
  const [, amount, unit] = /^(\d+)(MiB|GiB|TiB)$/.exec(text) ?? [];
  const bytes = Number(amount) * units[unit as keyof typeof units];
  if (Number.isSafeInteger(bytes)) return bytes;
  throw new InvalidArgumentError("give a whole number of MiB, GiB or TiB, as in 50GiB, or 'default'");
}
