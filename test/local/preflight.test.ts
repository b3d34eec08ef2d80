import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeEach, expect, inject, test } from 'vitest';
import { type AccountFigures, matureAccount } from '../../local/account.ts';
import { readAccount } from '../../preflight/account.ts';
import { examine } from '../../preflight/checks.ts';
import { type Demand, demandIn, inRegion } from '../../preflight/demand.ts';
import { startFixture } from './aws/fixture.ts';

const account: { -readonly [Name in keyof AccountFigures]: AccountFigures[Name] } = { ...matureAccount };
const fixture = await startFixture({ account });
afterAll(() => fixture.stop());
beforeEach(() => {
  Object.assign(account, matureAccount);
});

/** May read, and nothing else. */
const operator = fixture.principal('operator', [
  'lambda:GetAccountSettings *',
  'ec2:DescribeAvailabilityZones *',
  'ec2:DescribeVpcEndpointServices *',
  'ec2:DescribeVpcs *',
  'ssm:GetParameters *',
  'servicequotas:GetServiceQuota *',
  'cloudformation:DescribeStacks *',
  'kafka:ListClustersV2 *',
  'cognito-idp:DescribeUserPoolDomain *',
  'cloudfront:ListKeyGroups *',
  'cloudfront:ListPublicKeys *',
  'cloudfront:ListOriginAccessControls *',
  'cloudfront:ListCachePolicies *',
  'cloudfront:ListResponseHeadersPolicies *',
]);
const team = demandIn(inject('assembly'));

/** What has to be done, by what was looked at. */
async function remedies(demand: Demand = team): Promise<Record<string, string>> {
  const findings = examine(demand, await readAccount(fixture.client(operator), demand));
  return Object.fromEntries(findings.flatMap(({ what, remedy }) => (remedy === undefined ? [] : [[what, remedy]])));
}

test('the templates say what a deployment takes', () => {
  expect(team).toMatchObject({ endpoints: ['lambda', 'sts'], databaseClusters: 1, requestRate: 500, cdnLog: true });
  expect([team.zones.length, team.stacks.length]).toEqual([2, 9]);
});

test('nothing stands in the way in an account that has been in use for a while', async () => {
  expect(await remedies()).toEqual({});
});

test('a new account has to ask for what functions reserve', async () => {
  Object.assign(account, { concurrency: 10, unreserved: 10 });
  const demand = { ...team, reserved: 2 };
  expect(await remedies(demand)).toEqual({
    'Lambda concurrency': expect.stringMatching(/reserve 2, .* --quota-code L-B99A9384 --desired-value 102$/),
  });
});

test('what others have reserved stays theirs', async () => {
  Object.assign(account, { concurrency: 1000, unreserved: 300 });
  const demand = { ...team, reserved: 400 };
  expect((await remedies(demand))['Lambda concurrency']).toMatch(/--desired-value 1200$/);
});

test('a zone without MSK is named, with those to choose from', async () => {
  account.zones = { 'use1-az3': 'us-east-1a', 'use1-az1': 'us-east-1b', 'use1-az2': 'us-east-1c' };
  account.endpointZones = ['use1-az1', 'use1-az2', 'use1-az3'];
  expect(await remedies({ ...team, zones: [0, 1] })).toEqual({
    zones: 'us-east-1a: MSK and RDS Proxy take no subnets there. Choose from us-east-1b, us-east-1c.',
  });
  expect(await remedies({ ...team, zones: ['us-east-1b', 'use1-az2'] })).toEqual({});
});

test('a region with two zones takes no profile of three', async () => {
  account.zones = { 'usw1-az1': 'us-west-1b', 'usw1-az3': 'us-west-1c' };
  account.endpointZones = ['usw1-az1', 'usw1-az3'];
  expect(await remedies({ ...team, zones: [0, 1, 2] })).toEqual({ zones: expect.stringMatching(/has 2 zones/) });
});

test('endpoints that a zone does not have are named', async () => {
  account.endpointZones = ['use1-az4'];
  expect(await remedies({ ...team, zones: [0, 1] })).toEqual({
    'endpoint of lambda': 'Choose zones that have it.',
    'endpoint of sts': 'Choose zones that have it.',
  });
});

test('a region without a service is refused', async () => {
  account.parameters = { '/cdk-bootstrap/hnb659fds/version': '30' };
  expect(await remedies()).toEqual({ region: expect.stringMatching(/Choose another region/) });
});

test('an account without CDK, or with an old one, has to be bootstrapped', async () => {
  const { '/cdk-bootstrap/hnb659fds/version': _, ...others } = account.parameters;
  account.parameters = others;
  expect(await remedies()).toEqual({ bootstrap: 'npx cdk bootstrap' });
  account.parameters = { ...others, '/cdk-bootstrap/hnb659fds/version': '5' };
  expect(await remedies()).toEqual({ bootstrap: 'npx cdk bootstrap' });
});

test('quotas that the profile exceeds are to be raised, by the command that does so', async () => {
  account.vpcs = 5;
  expect(await remedies({ ...team, requestRate: 25_000, databaseClusters: 41 })).toEqual({
    'requests a second': expect.stringMatching(/--service-code apigateway .* --desired-value 25000$/),
    VPCs: expect.stringMatching(/--service-code vpc .* --desired-value 6$/),
    'Aurora clusters': expect.stringMatching(/--quota-code L-952B80B8 --desired-value 41$/),
  });
});

test('stacks that take no update, and names of what an earlier deployment left, are found', async () => {
  account.stacks = { [team.stacks[0]!]: 'DELETE_FAILED', Another: 'ROLLBACK_COMPLETE' };
  expect(await remedies()).toEqual({ [team.stacks[0]!]: expect.stringMatching(/^aws cloudformation delete-stack/) });
  Object.assign(account, { stacks: {}, kafkaClusters: team.kafkaClusters });
  expect(await remedies()).toEqual({ [`MSK cluster ${team.kafkaClusters[0]}`]: expect.stringMatching(/delete it/) });
});

test('names that CloudFront has in the account, in whichever region, are found with what deletes them', async () => {
  const { name } = inRegion(team.cdnNames, 'us-east-1').find(({ kind }) => kind === 'key-group')!;
  // More than CloudFront lists at once.
  const others = Array.from({ length: 150 }, (_, index) => `Other-${index}`);
  account.cdnNames = { 'key-group': [...others, name], 'public-key': [name] };
  const command = 'aws cloudfront delete-key-group --id key-group-150 --if-match $(aws cloudfront get-key-group --id';
  expect(await remedies()).toEqual({ [`CloudFront key-group ${name}`]: expect.stringContaining(command) });
  const deployedIn = (region: string) =>
    Object.fromEntries(inRegion(team.cdnNames, region).map((one) => [one.kind, [one.name]]));
  account.cdnNames = deployedIn('eu-west-1');
  expect(await remedies()).toEqual({});
  account.cdnNames = deployedIn('us-east-1');
  expect(Object.keys(await remedies()).map((what) => what.split(' ')[1])).toEqual([
    'key-group',
    'public-key',
    'origin-access-control',
    'cache-policy',
    'response-headers-policy',
  ]);
  account.stacks = { [team.stacks[0]!]: 'CREATE_COMPLETE' };
  expect(await remedies()).toEqual({});
});

test('sign-in pages that another pool has are found before a deployment fails by them', async () => {
  const demand = { ...team, signInDomain: 'our-sync' };
  expect(await remedies(demand)).toEqual({});
  const { ref: UserPoolId } = await fixture.provide('AWS::Cognito::UserPool', 'Earlier', {});
  await fixture.provide('AWS::Cognito::UserPoolDomain', 'Pages', { UserPoolId, Domain: 'our-sync' });
  expect(await remedies(demand)).toEqual({
    'sign-in pages our-sync': expect.stringMatching(/^Give another signInDomain/),
  });
  account.stacks = { [team.stacks[0]!]: 'CREATE_COMPLETE' };
  expect(await remedies(demand)).toEqual({});
});

/** Runs the command as a person does; it fails. */
async function fails(environment: Record<string, string>): Promise<{ code: number; stdout: string; stderr: string }> {
  const main = join(import.meta.dirname, '../../preflight/main.ts');
  // Neither files of a person nor the machine itself give credentials.
  const env = { PATH: process.env.PATH, HOME: fixture.data, AWS_EC2_METADATA_DISABLED: 'true', ...environment };
  const run = promisify(execFile)(process.execPath, [main, '-c', 'profile=dev'], { env });
  return await run.then(
    () => expect.fail('it succeeded'),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
}

test('the command prints all of it, and fails for as long as there is something to do', async () => {
  account.vpcs = 5;
  const { accessKeyId, secretAccessKey, sessionToken } = operator.credentials;
  const { code, stdout } = await fails({
    AWS_ENDPOINT_URL: fixture.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    NODE_EXTRA_CA_CERTS: join(fixture.data, 'tls/ca.pem'),
  });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^ok {2}bootstrap .*version 30$/m);
  expect(stdout).toMatch(/^ok {2}CloudFront key-group TidemarkBlocks-Signers-us-east-1 +free$/m);
  expect(stdout).toMatch(/to do before deploying\n\nVPCs\n {2}aws service-quotas .*--desired-value 6/);
});

test('without a region, or credentials, the command says what to set', async () => {
  expect((await fails({})).stderr).toMatch(/^no region of AWS is given: set AWS_REGION/);
  expect((await fails({ AWS_REGION: 'us-east-1' })).stderr).toMatch(/^no credentials of AWS .*aws sso login/);
});
