import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import {
  CfnManagedLoginBranding,
  CfnUserPool,
  CfnUserPoolClient,
  CfnUserPoolIdentityProvider,
} from 'aws-cdk-lib/aws-cognito';
import { deploymentFrom } from '../../lib/profiles/deployment.ts';
import { IdentityStack } from '../../lib/stacks/identity-stack.ts';
import { signInProblems } from './checks/sign-in.ts';
import { userProblems } from './checks/users.ts';
import { deploymentIn } from './deployment.ts';

// Each mistake is made in the stack itself, which has all that the context can give it.

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const oidc = { oidcIssuer: 'https://login.example.com', oidcClient: 'tidemark', oidcSecret: 'tidemark/oidc' };

/** The stack by that context, as templates. */
function synthesized(context: Record<string, string>, change: (stack: IdentityStack) => void = () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-sign-in-'));
  folders.push(folder);
  const app = new App({ outdir: folder, context: { 'aws:cdk:enable-path-metadata': true, ...context } });
  const stack = new IdentityStack(
    app,
    'TidemarkIdentity',
    deploymentFrom((key) => context[key]),
  );
  change(stack);
  app.synth();
  return deploymentIn(folder);
}

/** The one resource of that class whose path ends so. */
function the<T>(stack: IdentityStack, kind: abstract new (...args: never[]) => T, path = ''): T {
  const all = stack.node.findAll().filter((one) => one instanceof kind && one.node.path.endsWith(path));
  if (all.length !== 1) throw new Error(`${all.length} resources end in ${path}`);
  return all[0] as T;
}

const pagesClient = (stack: IdentityStack): CfnUserPoolClient =>
  the(stack, CfnUserPoolClient, 'SignIn/Client/Resource');

test.each([
  ['nothing', {}],
  ['pages', { signInDomain: 'our-sync' }],
  ['OIDC', oidc],
  ['SAML', { samlMetadata: 'https://login.example.com/metadata.xml' }],
  ['a second factor', { mfa: 'optional' }],
])('the stack with %s has none of the mistakes', (_, context) => {
  const deployment = synthesized(context);
  expect([...signInProblems(deployment), ...userProblems(deployment, 'you@example.com')]).toEqual([]);
});

test.each<[mistake: string, make: (stack: IdentityStack) => void, message: RegExp]>([
  [
    'a client with a secret',
    (stack) => {
      pagesClient(stack).generateSecret = true;
    },
    /SignIn\/Client\/Resource has a secret: Cognito wants it with each code/,
  ],
  [
    'tokens in the address of a page',
    (stack) => {
      pagesClient(stack).allowedOAuthFlows = ['code', 'implicit'];
    },
    /SignIn\/Client\/Resource gives tokens to the browser itself/,
  ],
  [
    'a redirection to any port',
    (stack) => {
      pagesClient(stack).callbackUrLs = ['http://localhost:*/signed-in'];
    },
    /http:\/\/localhost:\*\/signed-in is no absolute address: a redirect_uri is compared whole/,
  ],
  [
    'a redirection to 127.0.0.1',
    (stack) => {
      pagesClient(stack).callbackUrLs = ['http://127.0.0.1:27465/signed-in'];
    },
    /HTTP is taken for http:\/\/localhost alone/,
  ],
  [
    'a redirection to another machine',
    (stack) => {
      pagesClient(stack).callbackUrLs = ['https://example.com/signed-in'];
    },
    /sends codes to https:\/\/example\.com\/signed-in, not to this machine/,
  ],
  [
    'tokens that delete the user',
    (stack) => {
      pagesClient(stack).allowedOAuthScopes = ['openid', 'aws.cognito.signin.user.admin'];
    },
    /gives tokens by which their bearer changes or deletes the user/,
  ],
  [
    'a way past the pages',
    (stack) => pagesClient(stack).addPropertyDeletionOverride('ExplicitAuthFlows'),
    /lets users sign in past the pages[\s\S]*who steals an access token can change the user's address/,
  ],
  [
    'an address that the provider cannot bring again',
    (stack) => {
      pagesClient(stack).writeAttributes = ['name'];
    },
    /lets users of Company in once: email: Attribute cannot be updated/,
  ],
  [
    'a client before its provider',
    (stack) => pagesClient(stack).addOverride('DependsOn', undefined),
    /is made before its provider Company, maybe/,
  ],
  [
    'a secret in the template',
    (stack) => {
      const details = { oidc_issuer: 'https://login.example.com', client_id: 'tidemark', client_secret: 'shown' };
      the(stack, CfnUserPoolIdentityProvider).providerDetails = details;
    },
    /SignIn\/Provider\/Resource has its secret in the template/,
  ],
  [
    'pages without a style',
    (stack) => void stack.node.findChild('SignIn').node.tryRemoveChild(the(stack, CfnManagedLoginBranding).node.id),
    /The sign-in pages are unavailable/,
  ],
  [
    'a second factor of no kind',
    (stack) => {
      the(stack, CfnUserPool).mfaConfiguration = 'ON';
    },
    /MfaConfiguration is ON, and no factor is enabled/,
  ],
])('%s is found, and its cause is named', (_, make, message) => {
  const deployment = synthesized(oidc, make);
  const found = [...signInProblems(deployment), ...userProblems(deployment, 'you@example.com')];
  expect(found.join('\n')).toMatch(message);
});

test.each([
  [{ mfa: 'yes' }, 'mfa is "yes": give off, optional or required.'],
  [{ signInDomain: 'Our.Sync' }, 'signInDomain is "Our.Sync": give up to 63 small letters, digits and hyphens.'],
  [{ signInDomain: 'our-aws' }, 'may not hold "aws", "amazon" or "cognito": give signInDomain'],
  [{ name: 'LawsuitFiles', ...oidc }, 'may not hold "aws", "amazon" or "cognito": give signInDomain'],
  [
    { oidcIssuer: 'https://login.example.com' },
    'takes three keys of the context: oidcIssuer, oidcClient and oidcSecret',
  ],
  [{ ...oidc, oidcIssuer: 'http://login.example.com' }, 'give the address of the provider: https://'],
  [{ ...oidc, samlMetadata: 'https://login.example.com/m' }, 'Give one identity provider'],
])('%j is refused with what to do', (context, message) => {
  expect(() => deploymentFrom((key) => ({ profile: 'team', ...context })[key as never])).toThrow(message);
});
