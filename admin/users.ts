import {
  AdminCreateUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminSetUserMFAPreferenceCommand,
  AdminUserGlobalSignOutCommand,
  type CognitoIdentityProviderClient,
  GetUserPoolMfaConfigCommand,
  ListUsersCommand,
  paginateListUsers,
  type UserType,
} from '@aws-sdk/client-cognito-identity-provider';
import { AdminError } from './errors.ts';

/** A user as the pool has him. */
export interface User {
  readonly id: string;
  /** What the pool calls him: of who signs in elsewhere not the id. */
  readonly name: string;
  readonly email: string;
  /** `external` is who signs in at an identity provider. */
  readonly state: 'active' | 'invited' | 'external' | 'disabled';
}

/** Whether a user's sign-in by password asks for a code, and whether everybody's has to. */
export interface SecondFactor {
  readonly isSetUp: boolean;
  readonly isRequired: boolean;
}

const states: Readonly<Record<string, User['state']>> = {
  FORCE_CHANGE_PASSWORD: 'invited',
  EXTERNAL_PROVIDER: 'external',
};
/** As many as Cognito gives at once. */
const PAGE = 60;

/** The users of a service, in its pool. Every call throws AdminError with what Cognito says. */
export class Users {
  readonly #client: CognitoIdentityProviderClient;
  readonly #poolId: () => Promise<string>;

  constructor(client: CognitoIdentityProviderClient, poolId: () => Promise<string>) {
    this.#client = client;
    this.#poolId = poolId;
  }

  /** @param password a first password to hand over; without it Cognito makes one and mails it */
  async add(email: string, password?: string): Promise<User> {
    const { User } = await this.#tell(
      async (UserPoolId) =>
        await this.#client.send(
          new AdminCreateUserCommand({
            UserPoolId,
            Username: email,
            UserAttributes: [
              { Name: 'email', Value: email },
              { Name: 'email_verified', Value: 'true' },
            ],
            ...(password === undefined
              ? { DesiredDeliveryMediums: ['EMAIL'] }
              : { TemporaryPassword: password, MessageAction: 'SUPPRESS' }),
          }),
        ),
    );
    return userOf(User!);
  }

  /** All users, a page at a time. */
  async *pages(): AsyncGenerator<User[]> {
    const UserPoolId = await this.#poolId();
    const pages = paginateListUsers({ client: this.#client, pageSize: PAGE }, { UserPoolId });
    for await (const { Users: found = [] } of pages) yield found.map(userOf);
  }

  /** @param email the user's address, or his name in the pool */
  async find(email: string): Promise<User> {
    const attribute = email.includes('@') ? 'email' : 'username';
    const Filter = `${attribute} = "${email.toLowerCase().replaceAll(/["\\]/g, '')}"`;
    const { Users: found = [] } = await this.#tell(
      async (UserPoolId) => await this.#client.send(new ListUsersCommand({ UserPoolId, Filter })),
    );
    if (found.length > 1) throw severalUsers(email, found);
    if (found[0]) return userOf(found[0]);
    throw new AdminError('failure', `there is no user ${email}: 'tidemark-admin users list' has all`);
  }

  /** Shuts a user out: he gets no more tokens, and those that are out end within the hour. */
  async disable({ name: Username }: User): Promise<void> {
    await this.#tell((UserPoolId) => this.#client.send(new AdminDisableUserCommand({ UserPoolId, Username })));
    await this.#tell((UserPoolId) => this.#client.send(new AdminUserGlobalSignOutCommand({ UserPoolId, Username })));
  }

  async enable({ name: Username }: User): Promise<void> {
    await this.#tell((UserPoolId) => this.#client.send(new AdminEnableUserCommand({ UserPoolId, Username })));
  }

  async secondFactor({ name: Username }: User): Promise<SecondFactor> {
    const { UserMFASettingList = [] } = await this.#tell((UserPoolId) =>
      this.#client.send(new AdminGetUserCommand({ UserPoolId, Username })),
    );
    const { MfaConfiguration } = await this.#tell((UserPoolId) =>
      this.#client.send(new GetUserPoolMfaConfigCommand({ UserPoolId })),
    );
    return { isSetUp: UserMFASettingList.length > 0, isRequired: MfaConfiguration === 'ON' };
  }

  /** Where a second factor is required, Cognito says yes to this and goes on asking for the code. */
  async dropSecondFactor({ name: Username }: User): Promise<void> {
    const SoftwareTokenMfaSettings = { Enabled: false, PreferredMfa: false };
    await this.#tell((UserPoolId) =>
      this.#client.send(new AdminSetUserMFAPreferenceCommand({ UserPoolId, Username, SoftwareTokenMfaSettings })),
    );
  }

  async #tell<Answer>(call: (poolId: string) => Promise<Answer>): Promise<Answer> {
    const poolId = await this.#poolId();
    return await call(poolId).catch((error: Error) => {
      const kind = error.name === 'AccessDeniedException' ? 'access' : 'failure';
      throw new AdminError(kind, `Cognito refuses: ${error.message}`, { cause: error });
    });
  }
}

function severalUsers(email: string, found: readonly UserType[]): AdminError {
  const names = found.map(({ Username, UserStatus }) => `${Username} (${UserStatus})`).join(', ');
  return new AdminError('failure', `several users have the address ${email}: name one of ${names}`);
}

function userOf({ Username, Attributes = [], Enabled, UserStatus }: UserType): User {
  const attribute = (name: string) => Attributes.find(({ Name }) => Name === name)?.Value;
  return {
    id: attribute('sub') ?? Username!,
    name: Username!,
    email: attribute('email') ?? Username!,
    state: Enabled === false ? 'disabled' : (states[UserStatus ?? ''] ?? 'active'),
  };
}
