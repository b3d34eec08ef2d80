import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { AccountRecovery, ClientAttributes, Mfa, UserPool, type UserPoolClient } from 'aws-cdk-lib/aws-cognito';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledge } from '../constructs/acknowledge.ts';
import { SignInPages } from '../constructs/sign-in-pages.ts';
import type { Profile } from '../profiles/profile.ts';
import type { SignIn } from '../profiles/sign-in.ts';

interface IdentityStackProps extends StackProps {
  readonly profile: Profile;
  readonly isProtected: boolean;
  readonly signIn: SignIn;
}

const validity = {
  accessTokenValidity: Duration.hours(1),
  // The longest there is: a device stays signed in until it is revoked. Not rotated: a rotated token ends when the
  // first one would have, and a device that loses the answer would be signed out.
  refreshTokenValidity: Duration.days(3650),
};
const mfas = { off: Mfa.OFF, optional: Mfa.OPTIONAL, required: Mfa.REQUIRED };

/** The users of a deployment. An administrator creates them; nobody signs himself up. */
export class IdentityStack extends Stack {
  readonly userPool: UserPool;
  readonly client: UserPoolClient;
  /** @default - users sign in with a password, in the client itself */
  readonly pages?: SignInPages;

  constructor(scope: Construct, id: string, { profile, isProtected, signIn, ...props }: IdentityStackProps) {
    super(scope, id, props);

    this.userPool = new UserPool(this, 'Users', {
      selfSignUpEnabled: false,
      // A pool whose address is an alias refuses addresses as names. Neither can be changed in a pool that exists.
      signInAliases: { email: true },
      signInCaseSensitive: false,
      passwordPolicy: {
        minLength: 12,
        requireLowercase: true,
        requireUppercase: true,
        requireDigits: true,
        requireSymbols: true,
      },
      accountRecovery: AccountRecovery.EMAIL_ONLY,
      ...(signIn.mfa !== 'off' && { mfa: mfas[signIn.mfa], mfaSecondFactor: { sms: false, otp: true } }),
      deletionProtection: isProtected,
      removalPolicy: profile.removalPolicy,
    });
    acknowledge(this.userPool, {
      'AwsSolutions-COG2':
        'Whether users have a second factor is for who deploys to say: -c mfa=optional or mfa=required.',
      'AwsSolutions-COG8':
        'Threat protection costs $0.02 per user and month. Where the team wants it, it is one setting.',
    });
    this.client = this.userPool.addClient('Client', {
      authFlows: { userPassword: true, userSrp: true },
      disableOAuth: true,
      ...validity,
      // By a stolen access token one could otherwise change the address, and by that the password.
      writeAttributes: new ClientAttributes().withStandardAttributes({ fullname: true }),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
    });

    if (signIn.pages) {
      this.pages = new SignInPages(this, 'SignIn', { ...signIn.pages, ...validity, userPool: this.userPool });
    }

    new CfnOutput(this, 'UserPoolId', { value: this.userPool.userPoolId });
    new CfnOutput(this, 'ClientId', { value: this.client.userPoolClientId });
  }

  /** Lets somebody add users, see who there is, and shut them out; passwords are none of his affair. */
  grantAdminister(grantee: IGrantable): void {
    const actions = [
      'AdminCreateUser',
      'AdminDisableUser',
      'AdminEnableUser',
      'AdminGetUser',
      'AdminSetUserMFAPreference',
      'AdminUserGlobalSignOut',
      'GetUserPoolMfaConfig',
      'ListUsers',
    ];
    const resourceArns = [this.userPool.userPoolArn];
    Grant.addToPrincipal({ grantee, actions: actions.map((action) => `cognito-idp:${action}`), resourceArns });
  }
}
