import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { servedClientFrom } from '../../lib/profiles/served-client.ts';
import { writeSmallRelease } from '../support/small-release.ts';
import { alarmProblems, nameProblems, takenNames } from './checks/names.ts';
import { variableProblems } from './checks/quotas.ts';
import { exportProblems } from './checks/retention.ts';
import { signInProblems } from './checks/sign-in.ts';
import { changesBetween } from './checks/transition.ts';
import { userProblems } from './checks/users.ts';
import { type Deployment, deploymentIn, deploymentOf } from './deployment.ts';
import { synthesize } from './synthesis.ts';

// A deployment with everything that the context can give, beside one of the same account that has none of it.

const folder = mkdtempSync(join(tmpdir(), 'tidemark-context-'));
let own: Deployment;
/** The same when both APIs have been lost, and others made in their place. */
let anew: Deployment;
const dist = join(folder, 'dist');
beforeAll(async () => {
  await writeSmallRelease(dist);
  const certificate = (region: string) => `arn:aws:acm:${region}:000000000000:certificate/1`;
  const context = {
    name: 'Staging',
    zones: 'eu-west-1a,eu-west-1c',
    domain: 'sync.example.com',
    certificate: certificate('eu-west-1'),
    cdnCertificate: certificate('us-east-1'),
    hostedZone: 'Z0123456789',
    alarmEmail: 'you@example.com',
    budget: '150',
    protected: 'true',
    mfa: 'required',
    oidcIssuer: 'https://login.example.com',
    oidcClient: 'tidemark',
    oidcSecret: 'tidemark/oidc',
    client: dist,
  };
  synthesize('team', join(folder, 'own'), { context });
  own = deploymentIn(join(folder, 'own'));
  anew = withOtherApis(own);
}, 120_000);
/** The deployment's templates with other logical ids for both APIs, by which CloudFormation makes other ones. */
function withOtherApis({ folder: before, resources }: Deployment): Deployment {
  const after = join(folder, 'anew');
  mkdirSync(after);
  const ids = resources('AWS::ApiGatewayV2::Api').map(({ id }) => id.split('.')[1]!);
  for (const name of readdirSync(before).filter((file) => file.endsWith('.template.json'))) {
    const text = readFileSync(join(before, name), 'utf8');
    const changed = ids.reduce((so, id) => so.replaceAll(`"${id}"`, `"${id}Anew"`), text);
    writeFileSync(join(after, name), changed);
  }
  return deploymentIn(after);
}
afterAll(() => rmSync(folder, { recursive: true }));

test('it takes no name that another deployment has, and CloudFront no name that another region has', () => {
  const [names, others] = [takenNames(own), takenNames(deploymentOf('team'))];
  expect(names.filter((name) => others.includes(name))).toEqual([]);
  expect(nameProblems(own)).toEqual([]);
});

test('its figures are its own', () => {
  const watched = JSON.stringify(own.resources('AWS::CloudWatch::Alarm'));
  expect(watched).toContain('{"Name":"service","Value":"staging"}');
  expect(watched).not.toContain('"Value":"tidemark"');
  for (const { environment } of own.functions) expect(environment.POWERTOOLS_SERVICE_NAME).toBe('staging');
});

test('its subnets are in the zones that are named', () => {
  const zones = own.resources('AWS::EC2::Subnet').map(({ properties }) => properties.AvailabilityZone);
  expect(zones).toEqual(['eu-west-1a', 'eu-west-1c']);
});

test('devices know the service by its own names, and no function or output by those of AWS', () => {
  const { environment } = own.functions.find(({ name }) => name === 'Service')!;
  expect(environment).toMatchObject({
    API_URL: 'https://api.sync.example.com',
    SOCKET_URL: expect.anything(),
  });
  const download = own.functions.find(({ name }) => name === 'Download')!;
  expect(download.environment.CDN_DOMAIN).toBe('cdn.sync.example.com');
  const names = own.resources('AWS::ApiGatewayV2::DomainName').map(({ properties }) => properties.DomainName);
  expect(names.sort()).toEqual(['api.sync.example.com', 'socket.sync.example.com']);
  const records = own.resources('AWS::Route53::RecordSet').map(({ properties }) => properties.Name);
  expect(records.sort()).toEqual(['api.sync.example.com.', 'cdn.sync.example.com.', 'socket.sync.example.com.']);
  expect(own.resources('AWS::ApiGatewayV2::ApiMapping')).toHaveLength(2);
  const outputs = own.stacks.flatMap(({ template }) => Object.keys(template.Outputs ?? {}));
  expect(outputs).toEqual(expect.arrayContaining(['ApiDomainTarget', 'SocketDomainTarget', 'CdnDomain']));
});

test('devices keep what they know when the APIs are others', () => {
  const changes = changesBetween(own, anew);
  const apis = changes.filter(({ type }) => type === 'AWS::ApiGatewayV2::Api').map(({ kind }) => kind);
  expect(apis.sort()).toEqual(['gone', 'gone', 'new', 'new']);
  const known = /^AWS::(ApiGatewayV2::DomainName|Route53::RecordSet|CloudFront::Distribution|Cognito::)/;
  expect(changes.filter(({ type }) => known.test(type))).toEqual([]);
  const told = ({ functions }: Deployment) => functions.find(({ name }) => name === 'Service')!.environment;
  expect(told(anew)).toEqual(told(own));
  const mappings = changes.filter(({ type }) => type === 'AWS::ApiGatewayV2::ApiMapping');
  expect(mappings.map(({ kind }) => kind)).toEqual(['updated', 'updated']);
});

test('AWS refuses to delete it, and a person is told of alarms and of what it costs', () => {
  expect(own.resources('AWS::RDS::DBCluster').map(({ properties }) => properties.DeletionProtection)).toEqual([true]);
  expect(own.resources('AWS::Cognito::UserPool')[0]!.properties.DeletionProtection).toBe('ACTIVE');
  expect(own.resources('AWS::SNS::Subscription')[0]!.properties).toMatchObject({
    Protocol: 'email',
    Endpoint: 'you@example.com',
  });
  const { Budget } = own.resources('AWS::Budgets::Budget')[0]!.properties as { Budget: object };
  expect(Budget).toMatchObject({
    BudgetLimit: { Amount: 150, Unit: 'USD' },
    CostFilters: { TagKeyValue: ['user:service$staging'] },
  });
});

test('users have to have an authenticator app, and no message is sent for it', () => {
  expect(own.resources('AWS::Cognito::UserPool')[0]!.properties).toMatchObject({
    MfaConfiguration: 'ON',
    EnabledMfas: ['SOFTWARE_TOKEN_MFA'],
  });
  expect(userProblems(own, 'you@example.com')).toEqual([]);
});

test('users sign in with a browser at their company, and their tokens change no account', () => {
  expect(signInProblems(own)).toEqual([]);
  const [pages] = own.resources('AWS::Cognito::UserPoolDomain');
  expect(pages!.properties.Domain).toEqual({ 'Fn::Join': ['', ['staging-', { Ref: 'AWS::AccountId' }]] });
  const audience = own.resources('AWS::ApiGatewayV2::Authorizer')[0]!.properties.JwtConfiguration;
  expect((audience as { Audience: unknown[] }).Audience).toHaveLength(2);
  const service = own.functions.find(({ name }) => name === 'Service')!;
  expect(JSON.stringify(service.environment.AUTH_PAGES)).toContain('http://localhost:27465/signed-in');
  expect(exportProblems(own)).toEqual([]);
});

test('the CDN gives the client to everybody, and nothing else; only its own files are copied there', () => {
  const [cdn] = own.resources('AWS::CloudFront::Distribution');
  const { CacheBehaviors, DefaultCacheBehavior } = cdn!.properties.DistributionConfig as {
    readonly CacheBehaviors: readonly object[];
    readonly DefaultCacheBehavior: object;
  };
  expect(CacheBehaviors).toEqual([
    expect.objectContaining({ PathPattern: 'client/*', ViewerProtocolPolicy: 'https-only' }),
  ]);
  expect(CacheBehaviors[0]).not.toHaveProperty('TrustedKeyGroups');
  expect(DefaultCacheBehavior).toHaveProperty('TrustedKeyGroups');
  const resources = own.functions
    .find(({ name }) => name === 'ClientFiles')!
    .statements.flatMap((one) => one.resources)
    .filter((resource) => resource !== '*');
  expect(resources).toHaveLength(4);
  const copies = resources.map((resource) => JSON.stringify(resource)).filter((text) => text.includes('Blocks'));
  expect(copies).toHaveLength(2);
  for (const text of copies) expect(text).toMatch(/"\/client\/[0-9a-f]{32}\/tidemark-[\w.-]+"/);
  const service = own.functions.find(({ name }) => name === 'Service')!;
  const release = JSON.stringify(service.environment.CLIENT_RELEASE);
  expect(release).toMatch(/https:\/\/cdn\.sync\.example\.com\/client\/[0-9a-f]{32}/);
  expect(variableProblems(own)).toEqual([]);
});

test.each([
  ['holds nothing that is signed', () => rmSync(join(dist, 'client.json')), /npm run package -- --key/],
  ['lost a file', () => rmSync(join(dist, 'tidemark-0.1.0.tgz')), /tidemark-0\.1\.0\.tgz is missing/],
  ['has another file', () => writeFileSync(join(dist, 'tidemark-0.1.0.tgz'), 'another'), /another than was signed/],
])('a client whose folder %s fails synthesis', (_, change, message) => {
  const kept = readdirSync(dist).map((name) => [name, readFileSync(join(dist, name))] as const);
  try {
    change();
    expect(() => servedClientFrom(() => dist)).toThrow(message);
  } finally {
    for (const [name, bytes] of kept) writeFileSync(join(dist, name), bytes);
  }
});

test('no alarm rings for figures that are not there yet', () => {
  expect(alarmProblems(own)).toEqual([]);
});
