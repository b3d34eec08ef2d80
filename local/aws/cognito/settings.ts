import { AwsError } from '../errors.ts';

type Properties = Readonly<Record<string, unknown>>;

/** What a pool demands of a password. */
interface PasswordPolicy {
  readonly minimum: number;
  readonly demands: readonly { readonly what: string; readonly by: RegExp }[];
  /** Seconds for which a password that an administrator gave may be used. */
  readonly temporaryTtl: number;
}

/** What the template says of a pool that its callers can notice. */
export interface PoolSettings {
  /** Whether the address is the user name itself, under an id that Cognito gives (`UsernameAttributes`). */
  readonly emailIsName: boolean;
  /** Whether it is a second name of a user who has another (`AliasAttributes`). */
  readonly emailIsAlias: boolean;
  readonly caseSensitive: boolean;
  /** Attributes that every user has to have. */
  readonly required: readonly string[];
  readonly password: PasswordPolicy;
  /** Whether users may have a second factor, or have to. */
  readonly mfa: 'OFF' | 'OPTIONAL' | 'ON';
}

const DAY = 86_400;
/** What `RequireSymbols` counts as one; from Cognito's "Password policies". */
const SYMBOL = /[\^$*.[\]{}()?"!@#%&/\\,><':;|_~`=+ -]/;

/** @param properties of an AWS::Cognito::UserPool; what they leave out has Cognito's defaults */
export function readSettings(properties: Properties): PoolSettings {
  const names = (key: string): string[] => (properties[key] as string[] | undefined) ?? [];
  const { CaseSensitive } = (properties.UsernameConfiguration ?? {}) as Properties;
  const schema = (properties.Schema ?? []) as { readonly Name: string; readonly Required?: unknown }[];
  return {
    emailIsName: names('UsernameAttributes').includes('email'),
    emailIsAlias: names('AliasAttributes').includes('email'),
    caseSensitive: String(CaseSensitive ?? true) === 'true',
    required: schema.filter(({ Required }) => String(Required) === 'true').map(({ Name }) => Name),
    password: readPolicy(((properties.Policies ?? {}) as { PasswordPolicy?: Properties }).PasswordPolicy ?? {}),
    mfa: readMfa(properties),
  };
}

function readMfa(properties: Properties): PoolSettings['mfa'] {
  const mfa = (properties.MfaConfiguration ?? 'OFF') as PoolSettings['mfa'];
  const factors = (properties.EnabledMfas as string[] | undefined) ?? [];
  if (mfa === 'OFF' || factors.includes('SOFTWARE_TOKEN_MFA')) return mfa;
  throw new AwsError(
    'InvalidParameterException',
    `MfaConfiguration is ${mfa}, and no factor is enabled that the local Cognito has: add SOFTWARE_TOKEN_MFA.`,
  );
}

function readPolicy(policy: Properties): PasswordPolicy {
  const demands = [
    { key: 'RequireUppercase', what: 'uppercase', by: /[A-Z]/ },
    { key: 'RequireLowercase', what: 'lowercase', by: /[a-z]/ },
    { key: 'RequireNumbers', what: 'numeric', by: /\d/ },
    { key: 'RequireSymbols', what: 'symbol', by: SYMBOL },
  ];
  const isDefault = Object.keys(policy).length === 0;
  return {
    minimum: Number(policy.MinimumLength ?? 8),
    demands: demands.filter(({ key }) => isDefault || String(policy[key]) === 'true'),
    temporaryTtl: Number(policy.TemporaryPasswordValidityDays ?? 7) * DAY,
  };
}

/** Under which name a pool keeps a user. */
export function keyOf({ caseSensitive }: PoolSettings, username: string): string {
  return caseSensitive ? username : username.toLowerCase();
}

/** Whether what a user signs in with is an address. */
function isEmail(name: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(name);
}

/**
 * The attributes of a user whom an administrator makes under that name.
 * @throws AwsError where the pool refuses the name or lacks an attribute
 */
export function attributesOf(
  settings: PoolSettings,
  username: string,
  given: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  if (settings.emailIsName && !isEmail(username)) {
    throw new AwsError('InvalidParameterException', 'Username should be an email.');
  }
  if (settings.emailIsAlias && isEmail(username)) {
    throw new AwsError(
      'InvalidParameterException',
      'Username cannot be of email format, since user pool is configured for email alias.',
    );
  }
  const attributes = settings.emailIsName ? { ...given, email: username } : given;
  const missing = settings.required.filter((name) => name !== 'sub' && !(name in attributes));
  if (missing.length === 0) return attributes;
  const reasons = missing.map((name) => `${name}: The attribute is required`).join(', ');
  throw new AwsError('InvalidParameterException', `Attributes did not conform to the schema: ${reasons}`);
}

/** @throws AwsError where the pool's policy refuses the password */
export function demandPassword({ password: { minimum, demands } }: PoolSettings, password: string): void {
  const lacking = demands.find(({ by }) => !by.test(password));
  const reason =
    password.length < minimum ? 'Password not long enough' : lacking && `Password must have ${lacking.what} characters`;
  if (reason) throw new AwsError('InvalidPasswordException', `Password did not conform with policy: ${reason}`);
}
