import { ExecuteStatementCommand, RDSDataClient } from '@aws-sdk/client-rds-data';
import { Signer } from '@aws-sdk/rds-signer';
import { Client, type ClientConfig } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fixture, startFixture, type TestPrincipal } from './fixture.ts';

let cloud: Fixture;
let clusterArn: string;
let secretArn: string;
let proxyId: string;
let clusterId: string;

const grant = (id: string, user: string) => `rds-db:connect arn:aws:rds-db:us-east-1:000000000000:dbuser:${id}/${user}`;

async function provideDatabase(): Promise<void> {
  const secret = await cloud.provide('AWS::SecretsManager::Secret', 'Master', {
    GenerateSecretString: { SecretStringTemplate: '{"username":"master"}', GenerateStringKey: 'password' },
  });
  secretArn = secret.ref;
  const group = await cloud.provide('AWS::RDS::DBClusterParameterGroup', 'Settings', {
    Parameters: { statement_timeout: '8000', 'rds.force_ssl': '1' },
  });
  const cluster = await cloud.provide('AWS::RDS::DBCluster', 'Database', {
    DBClusterParameterGroupName: group.ref,
    MasterUsername: `{{resolve:secretsmanager:${secretArn}:SecretString:username::}}`,
    DatabaseName: 'tidemark',
    EnableHttpEndpoint: true,
    ServerlessV2ScalingConfiguration: { MinCapacity: 0, MaxCapacity: 2 },
  });
  clusterArn = String(cluster.attributes.DBClusterArn);
  clusterId = String(cluster.attributes.DBClusterResourceId);
  const { roleArn } = cloud.principal('Proxy', [grant(clusterId, 'app'), grant(clusterId, 'plain')]);
  const proxy = await cloud.provide('AWS::RDS::DBProxy', 'Proxy', { DBProxyName: 'proxy', RoleArn: roleArn });
  await cloud.provide('AWS::RDS::DBProxyTargetGroup', 'Target', {
    DBProxyName: proxy.ref,
    DBClusterIdentifiers: [cluster.ref],
  });
  proxyId = String(proxy.attributes.DBProxyArn).split(':')[6] ?? '';
  await cloud.provide('AWS::RDS::DBProxyTargetGroup', 'Targets', {
    DBProxyName: proxy.ref,
    DBClusterIdentifiers: [cluster.ref],
  });
}

function execute(principal: TestPrincipal, sql: string, secret = secretArn) {
  const client = new RDSDataClient(cloud.client(principal));
  return client.send(
    new ExecuteStatementCommand({ resourceArn: clusterArn, secretArn: secret, database: 'tidemark', sql }),
  );
}

async function connect(
  principal: TestPrincipal,
  options: { hostname?: string; user?: string; tls?: boolean; password?: string; start?: ClientConfig } = {},
): Promise<Client> {
  const { hostname = 'localhost', user = 'app', tls = true, start = {} } = options;
  const port = cloud.port + 3;
  const signer = new Signer({
    hostname,
    port,
    username: user,
    region: 'us-east-1',
    credentials: principal.credentials,
  });
  const password = options.password ?? (await signer.getAuthToken());
  const client = new Client({ host: hostname, port, user, password, database: 'tidemark', ssl: tls, ...start });
  await client.connect();
  return client;
}

/** Nobody was connected, so that the cluster has paused. */
async function resume(principal: TestPrincipal): Promise<void> {
  await expect(execute(principal, 'SELECT 1')).rejects.toMatchObject({
    name: 'DatabaseResumingException',
    message: expect.stringContaining('is resuming after being auto-paused'),
  });
}

beforeAll(async () => {
  cloud = await startFixture();
  await provideDatabase();
  const admin = cloud.principal('admin', ['rds-data:*', 'secretsmanager:*']);
  await resume(admin);
  await execute(admin, 'CREATE ROLE app LOGIN');
  await execute(admin, 'GRANT rds_iam TO app');
  await execute(admin, 'CREATE ROLE plain LOGIN');
  await execute(admin, 'GRANT CREATE ON DATABASE tidemark TO app');
});
afterAll(() => cloud.stop());

describe('a connection with an IAM token', () => {
  test('speaks to PostgreSQL over TLS as the database user', async () => {
    const client = await connect(cloud.principal('fn', [grant(proxyId, 'app')]));
    const { rows } = await client.query('SELECT current_user AS who, $1::int + 1 AS two', [1]);
    expect(rows).toEqual([{ who: 'app', two: 2 }]);
    await client.end();
  });

  test('is granted for the proxy and the cluster apart', async () => {
    const direct = await connect(cloud.principal('direct', [grant(clusterId, 'app')]), { hostname: '127.0.0.1' });
    await direct.end();
    const other = connect(cloud.principal('direct', [grant(clusterId, 'app')]));
    await expect(other).rejects.toThrow(/rds-db:connect on resource: .*:prx-/);
  });

  test('through the proxy needs the role of the proxy to be granted too', async () => {
    const fn = cloud.principal('fn', [grant(proxyId, 'other')]);
    const refused = connect(fn, { user: 'other' });
    await expect(refused).rejects.toThrow(/role\/Proxy is not authorized.*:cluster-.*\/other/);
  });

  test('is refused without TLS, without a grant, without rds_iam, with another token or with none', async () => {
    const fn = cloud.principal('fn', [grant(proxyId, 'app'), grant(proxyId, 'plain')]);
    await expect(connect(fn, { tls: false })).rejects.toThrow('no encryption');
    await expect(connect(cloud.principal('nobody', []))).rejects.toThrow('PAM authentication failed for user "app"');
    await expect(connect(fn, { user: 'plain' })).rejects.toThrow('rds_iam');
    await expect(connect(fn, { password: 'guess' })).rejects.toThrow('PAM authentication failed');
    const credentials = { ...fn.credentials, secretAccessKey: 'another' };
    await expect(connect({ ...fn, credentials })).rejects.toThrow('signature');
    const cut = cloud.principal('cut', [grant(proxyId, 'app')], { unreachable: ['rds-db'] });
    await expect(connect(cut)).rejects.toThrow('no route to rds-db');
    expect(cloud.log.join('\n')).toContain('proxy.grantConnect');
  });

  test('begins with the settings of the parameter group', async () => {
    const client = await connect(cloud.principal('fn', [grant(proxyId, 'app')]));
    expect((await client.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: '8s' }]);
    await client.end();
  });

  test.each<[start: ClientConfig, refusal: string | undefined]>([
    [{ statement_timeout: 5000 }, "RDS Proxy currently doesn't support the option statement_timeout."],
    [{ options: '-c search_path=x' }, "RDS Proxy currently doesn't support command-line options."],
    [{ application_name: 'finalize' }, undefined],
  ])('that starts with %j is refused by a proxy alone: %s', async (start, refusal) => {
    const fn = cloud.principal('fn', [grant(proxyId, 'app'), grant(clusterId, 'app')]);
    const proxied = connect(fn, { start });
    if (refusal !== undefined)
      await expect(proxied).rejects.toMatchObject({ code: '0A000', message: expect.stringContaining(refusal) });
    else await (await proxied).end();
    await (await connect(fn, { hostname: '127.0.0.1', start })).end();
  });

  test('is counted when a proxy has to keep it for one client', async () => {
    const fn = cloud.principal('fn', [grant(proxyId, 'app'), grant(clusterId, 'app')]);
    const pins = () => cloud.services.pins().get('app') ?? 0;
    const [proxied, direct] = [await connect(fn), await connect(fn, { hostname: '127.0.0.1' })];
    const before = pins();
    await proxied.query('SELECT $1::text', ['set x = 1']);
    await proxied.query("BEGIN; SET LOCAL lock_timeout = '1s'; COMMIT");
    await proxied.query('BEGIN');
    await proxied.query("SET LOCAL lock_timeout = '1s'");
    await proxied.query('SELECT pg_advisory_xact_lock(1)');
    await proxied.query('COMMIT');
    await direct.query('SET lock_timeout = 1000');
    expect(pins()).toBe(before);
    const pinning = [
      'SET lock_timeout = 1000',
      'SELECT pg_advisory_lock(1)',
      { name: 'kept', text: 'SELECT 1' },
      'CREATE TEMPORARY TABLE mine (x int)',
      `SELECT 1 -- ${'x'.repeat(17_000)}`,
    ];
    for (const statement of pinning) await proxied.query(statement);
    expect(pins()).toBe(before + pinning.length);
    expect(cloud.log.join('\n')).toContain(
      'keeps a connection for one client of app: a setting of the session (SET lock',
    );
    await Promise.all([proxied.end(), direct.end()]);
  });

  test('carries large results and outlives the sign-in time', async () => {
    const client = await connect(cloud.principal('fn', [grant(proxyId, 'app')]));
    const { rows } = await client.query("SELECT repeat('x', 5000000) AS text");
    expect(rows[0].text).toHaveLength(5_000_000);
    await client.end();
  });

  test('finds after a restart what was committed before', async () => {
    const fn = cloud.principal('fn', [grant(proxyId, 'app')]);
    const before = await connect(fn);
    await before.query('CREATE SCHEMA kept CREATE TABLE notes (text text)');
    await before.query("INSERT INTO kept.notes VALUES ('still here')");
    await before.end();
    await cloud.restart();
    await provideDatabase();
    await resume(cloud.principal('admin', ['rds-data:*', 'secretsmanager:*']));
    const after = await connect(fn);
    expect((await after.query('SELECT text FROM kept.notes')).rows).toEqual([{ text: 'still here' }]);
    await after.end();
  });
});

describe('the Data API', () => {
  test('answers typed records as the master user, who is no superuser', async () => {
    const admin = cloud.principal('admin', ['rds-data:*', 'secretsmanager:*']);
    const { records } = await execute(
      admin,
      "SELECT current_user::text, 7, true, NULL, current_setting('is_superuser')",
    );
    expect(records).toEqual([
      [{ stringValue: 'master' }, { longValue: 7 }, { booleanValue: true }, { isNull: true }, { stringValue: 'off' }],
    ]);
  });

  test('needs both the statement and the secret to be granted', async () => {
    const half = execute(cloud.principal('half', ['rds-data:*']), 'SELECT 1');
    await expect(half).rejects.toThrow('secretsmanager:GetSecretValue');
    await expect(execute(cloud.principal('none', []), 'SELECT 1')).rejects.toThrow('rds-data:ExecuteStatement');
  });

  test('passes on what PostgreSQL says', async () => {
    const admin = cloud.principal('admin', ['rds-data:*', 'secretsmanager:*']);
    await expect(execute(admin, 'SELEC 1')).rejects.toMatchObject({
      name: 'DatabaseErrorException',
      message: expect.stringContaining('SQLState: 42601'),
    });
  });
});
