import { callbackProblem } from '../../../local/aws/cognito/clients.ts';
import { SELF_SERVICE } from '../../../local/aws/cognito/tokens.ts';
import type { Deployment } from '../deployment.ts';

type Properties = Readonly<Record<string, unknown>>;

const names = (properties: Properties, key: string): string[] => (properties[key] as string[] | undefined) ?? [];
const id = (path: string): string => path.split('.').at(-1)!;

/** Whether tokens of a client may be had without the pages, by which they let their bearer change the user's account. */
export function isForPagesAlone({ ExplicitAuthFlows }: Properties): boolean {
  // A client that names no flow has Cognito's default.
  return Array.isArray(ExplicitAuthFlows) && ExplicitAuthFlows.every((flow) => flow === 'ALLOW_REFRESH_TOKEN_AUTH');
}

/** What is wrong with the pages on which users sign in with a browser: refused by Cognito, or good for a thief. */
export function signInProblems(deployment: Deployment): string[] {
  const clients = deployment.resources('AWS::Cognito::UserPoolClient');
  const providers = deployment.resources('AWS::Cognito::UserPoolIdentityProvider');
  return [
    ...clients
      .filter(({ properties }) => properties.AllowedOAuthFlowsUserPoolClient === true)
      .flatMap((client) => {
        const { path, properties } = client;
        const problems = [...clientProblems(properties), ...federationProblems(deployment, client)];
        return problems.map((problem) => `${path} ${problem}`);
      }),
    ...providers.flatMap(({ path, properties }) => {
      const { client_secret: secret } = properties.ProviderDetails as Record<string, unknown>;
      const isReference = secret === undefined || /^\{\{resolve:secretsmanager:.*\}\}$/.test(String(secret));
      return isReference ? [] : [`${path} has its secret in the template, which everybody reads who may read stacks`];
    }),
    ...styleProblems(deployment),
  ];
}

function clientProblems(properties: Properties): string[] {
  const callbacks = names(properties, 'CallbackURLs');
  return [
    properties.GenerateSecret === true &&
      'has a secret: Cognito wants it with each code, and every device would have it',
    names(properties, 'AllowedOAuthFlows').join() !== 'code' &&
      'gives tokens to the browser itself: allow "code" alone',
    names(properties, 'AllowedOAuthScopes').includes(SELF_SERVICE) &&
      `gives tokens by which their bearer changes or deletes the user: allow no ${SELF_SERVICE}`,
    !isForPagesAlone(properties) && 'lets users sign in past the pages: name ALLOW_REFRESH_TOKEN_AUTH alone',
    ...callbacks.map(
      (url) => callbackProblem(url) ?? (isHere(url) ? false : `sends codes to ${url}, not to this machine`),
    ),
  ].filter((problem) => problem !== false);
}

function isHere(url: string): boolean {
  const { protocol, hostname, port } = new URL(url);
  return protocol === 'http:' && hostname === 'localhost' && port !== '';
}

function federationProblems(
  deployment: Deployment,
  { id: client, properties }: { id: string; properties: Properties },
) {
  const providers = deployment.resources('AWS::Cognito::UserPoolIdentityProvider');
  const dependsOn = deployment.stacks.flatMap(({ template }) => template.Resources?.[id(client)]?.DependsOn ?? []);
  return names(properties, 'SupportedIdentityProviders')
    .filter((name) => name !== 'COGNITO')
    .flatMap((name) => {
      const provider = providers.find((one) => one.properties.ProviderName === name);
      if (!provider) return [`names the provider ${name}, which does not exist`];
      const mapped = Object.keys((provider.properties.AttributeMapping ?? {}) as object);
      const fixed = mapped.filter((attribute) => !names(properties, 'WriteAttributes').includes(attribute));
      return [
        ...(dependsOn.flat().includes(id(provider.id)) ? [] : [`is made before its provider ${name}, maybe`]),
        ...fixed.map((attribute) => `lets users of ${name} in once: ${attribute}: Attribute cannot be updated`),
      ];
    });
}

/** The newer pages show nothing for a client that has no style. */
function styleProblems({ resources }: Deployment): string[] {
  const isNewer = resources('AWS::Cognito::UserPoolDomain').some(
    ({ properties }) => properties.ManagedLoginVersion === 2,
  );
  if (!isNewer || resources('AWS::Cognito::ManagedLoginBranding').length > 0) return [];
  return ['The sign-in pages are unavailable: ManagedLoginVersion 2 wants an AWS::Cognito::ManagedLoginBranding'];
}
