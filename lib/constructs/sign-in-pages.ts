import { Aws, type Duration, SecretValue } from 'aws-cdk-lib';
import {
  CfnManagedLoginBranding,
  type CfnUserPoolClient,
  ClientAttributes,
  type IUserPoolIdentityProvider,
  ManagedLoginVersion,
  OAuthScope,
  ProviderAttribute,
  type UserPool,
  UserPoolClient,
  UserPoolClientIdentityProvider,
  UserPoolIdentityProviderOidc,
  UserPoolIdentityProviderSaml,
  UserPoolIdentityProviderSamlMetadata,
} from 'aws-cdk-lib/aws-cognito';
import { Construct } from 'constructs';
import { deploymentName } from '../profiles/deployment.ts';
import type { IdentityProvider, SignInPagesProps } from '../profiles/sign-in.ts';
import { SharedValue } from './shared-value.ts';

/** Begins the user names of those whom it signs in, so that it stays. */
const PROVIDER = 'Company';
/**
 * Where a client on the user's machine waits for the browser. Cognito takes no others than those listed, to the letter,
 * and plain HTTP for `localhost` alone; the second and third are for when a port is taken.
 */
const CALLBACKS = [27465, 27466, 27467].map((port) => `http://localhost:${port}/signed-in`);

/** A provider's names for a user's address. */
const EMAIL_CLAIM = { oidc: 'email', saml: 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress' };

interface Props extends SignInPagesProps {
  readonly userPool: UserPool;
  /** As for the client that signs in with a password. */
  readonly accessTokenValidity: Duration;
  readonly refreshTokenValidity: Duration;
}

/** What a stack that shows clients the way here reads, by parameters: the pages may go, or get another address. */
export interface SharedPages {
  readonly url: string;
  readonly clientId: string;
  readonly callbacks: readonly string[];
}

/** Pages of Cognito on which users sign in with a browser, by a password or at their company's identity provider. */
export class SignInPages extends Construct {
  readonly #url: SharedValue;
  readonly #clientId: SharedValue;

  constructor(scope: Construct, id: string, props: Props) {
    super(scope, id);
    const { userPool } = props;
    const prefix = props.prefix ?? `${deploymentName(this).toLowerCase()}-${Aws.ACCOUNT_ID}`;
    const domain = userPool.addDomain('Pages', {
      cognitoDomain: { domainPrefix: prefix },
      managedLoginVersion: ManagedLoginVersion.NEWER_MANAGED_LOGIN,
    });
    const provider = props.provider && this.#createProvider(userPool, props.provider);
    const client = this.#createClient(props, provider);
    // Without a style the newer pages answer that they are unavailable.
    new CfnManagedLoginBranding(this, 'Style', {
      userPoolId: userPool.userPoolId,
      clientId: client.userPoolClientId,
      useCognitoProvidedValues: true,
    }).node.addDependency(domain);
    const share = (key: string, value: string): SharedValue =>
      new SharedValue(this, key, { path: `/${deploymentName(this)}/identity/${key}`, value });
    this.#url = share('PagesUrl', domain.baseUrl());
    this.#clientId = share('PagesClientId', client.userPoolClientId);
  }

  in(scope: Construct): SharedPages {
    return { url: this.#url.in(scope), clientId: this.#clientId.in(scope), callbacks: CALLBACKS };
  }

  #createProvider(userPool: UserPool, provider: IdentityProvider): IUserPoolIdentityProvider {
    const common = {
      userPool,
      name: PROVIDER,
      attributeMapping: { email: ProviderAttribute.other(EMAIL_CLAIM[provider.kind]) },
    };
    if (provider.kind === 'saml') {
      const metadata = UserPoolIdentityProviderSamlMetadata.url(provider.metadataUrl);
      return new UserPoolIdentityProviderSaml(this, 'Provider', { ...common, metadata });
    }
    return new UserPoolIdentityProviderOidc(this, 'Provider', {
      ...common,
      issuerUrl: provider.issuer,
      clientId: provider.clientId,
      // A reference that CloudFormation resolves: the template has the name alone.
      clientSecret: SecretValue.secretsManager(provider.secretName).unsafeUnwrap(),
      scopes: ['openid', 'email'],
    });
  }

  /**
   * A client of its own: its tokens lack the scope by which users change their own account, so that it can, and has to,
   * be let write the attributes that a provider brings.
   */
  #createClient(
    { userPool, accessTokenValidity, refreshTokenValidity }: Props,
    provider?: IUserPoolIdentityProvider,
  ): UserPoolClient {
    const client = new UserPoolClient(this, 'Client', {
      userPool,
      generateSecret: false,
      oAuth: {
        flows: { authorizationCodeGrant: true },
        scopes: [OAuthScope.OPENID, OAuthScope.EMAIL],
        callbackUrls: CALLBACKS,
      },
      supportedIdentityProviders: [
        UserPoolClientIdentityProvider.COGNITO,
        ...(provider ? [UserPoolClientIdentityProvider.custom(PROVIDER)] : []),
      ],
      accessTokenValidity,
      refreshTokenValidity,
      writeAttributes: new ClientAttributes().withStandardAttributes({ email: true }),
      enableTokenRevocation: true,
      preventUserExistenceErrors: true,
    });
    // Else it gets Cognito's default, by which one signs in past the pages, for tokens that have that scope.
    (client.node.defaultChild as CfnUserPoolClient).explicitAuthFlows = ['ALLOW_REFRESH_TOKEN_AUTH'];
    if (provider) client.node.addDependency(provider);
    return client;
  }
}
