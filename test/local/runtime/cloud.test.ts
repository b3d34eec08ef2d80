import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Cloud, startCloud } from '../../../local/cloud/cloud.ts';
import { FakeServices, record } from './fake-services.ts';
import { freePorts } from './ports.ts';
import { functionResources, permission, scratch, writeAssembly } from './sample-assembly.ts';

let cloud: Cloud | undefined;
afterEach(async () => {
  await cloud?.stop();
  cloud = undefined;
});

type Templates = Parameters<typeof writeAssembly>[0];

async function start(
  data: string,
  Resources: Templates[string]['Resources'],
  sources: Record<string, string>,
  port?: number,
) {
  const lines: string[] = [];
  const services = new FakeServices();
  const Outputs = Resources.Custom ? { Answer: { Value: { 'Fn::GetAtt': ['Custom', 'Answer'] } } } : {};
  const assembly = await writeAssembly({ App: { Resources, Outputs } }, sources);
  const log = (line: string) => lines.push(line);
  cloud = await startCloud({ assembly, data, port: port ?? (await freePorts()), log, startServices: services.start });
  return { cloud, services, lines };
}

describe('custom resources', () => {
  const ANSWER = `export const handler = async (event) => {
    const { RequestType, ResourceProperties, PhysicalResourceId, OldResourceProperties } = event;
    const Status = ResourceProperties.Fail ? 'FAILED' : 'SUCCESS';
    const Data = { Answer: [RequestType, ResourceProperties.Version, OldResourceProperties?.Version].join() };
    const body = JSON.stringify({ Status, Reason: 'it said no', PhysicalResourceId: PhysicalResourceId ?? 'made', Data });
    if (!ResourceProperties.Silent) await fetch(event.ResponseURL, { method: 'PUT', body });
  };`;
  const resources = (properties: object) => ({
    ...functionResources('Make'),
    Custom: { Type: 'Custom::Thing', Properties: { ServiceToken: { 'Fn::GetAtt': ['Make', 'Arn'] }, ...properties } },
  });

  test('are created once, updated when their properties change, and remembered', async () => {
    const [data, port] = [await scratch(), await freePorts()];
    const run = async (Version: number) => {
      const { cloud, lines } = await start(data, resources({ Version }), { Make: ANSWER }, port);
      await cloud.stop();
      return [cloud.outputs.Answer, lines.length];
    };
    expect(await run(1)).toEqual(['Create,1,', 1]);
    expect(await run(1)).toEqual(['Create,1,', 0]);
    expect(await run(2)).toEqual(['Update,2,1', 1]);
  });

  test.each([
    [{ Fail: true }, 'Custom::Thing Custom in App: it said no'],
    [{ Silent: true }, 'ended without an answer'],
  ])('that fail, fail the start: %j', async (properties, message) => {
    await expect(start(await scratch(), resources(properties), { Make: ANSWER })).rejects.toThrow(message);
  });

  test('of a function in a VPC without a way to S3 are told so', async () => {
    const VpcConfig = { SubnetIds: [{ Ref: 'Subnet' }], SecurityGroupIds: [] };
    const Resources = {
      ...resources({}),
      ...functionResources('Make', { VpcConfig }),
      Subnet: { Type: 'AWS::EC2::Subnet', Properties: { CidrBlock: '10.0.0.0/24' } },
    };
    const refused = start(await scratch(), Resources, { Make: ANSWER });
    await expect(refused).rejects.toThrow('Make (in the VPC) has no route to s3: add a gateway endpoint');
  });
});

describe('event source mappings', () => {
  const NOTE = `let failed = false;
  export const handler = async (event) => {
    if (!failed && JSON.stringify(event).includes(btoa('poison'))) { failed = true; throw new Error('not yet'); }
    console.log(JSON.stringify({ level: 'ERROR', message: JSON.stringify(event) }));
  };`;
  const read = (...actions: string[]) => ({
    Effect: 'Allow',
    Action: actions.map((action) => `kafka-cluster:${action}`),
    Resource: ['cluster', 'topic', 'group'].map((kind) => `arn:aws:kafka:us-east-1:000000000000:${kind}/Cluster/uuid*`),
  });
  const all = [
    'Connect',
    'DescribeTopic',
    'ReadData',
    'DescribeGroup',
    'AlterGroup',
    'DescribeClusterDynamicConfiguration',
  ];
  const resources = (actions: string[]) => ({
    ...functionResources('Note', {}, [read(...actions)]),
    Cluster: { Type: 'AWS::MSK::Cluster', Properties: {} },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        FunctionName: { Ref: 'Note' },
        EventSourceArn: { 'Fn::GetAtt': ['Cluster', 'Arn'] },
        Topics: ['file-changed'],
        StartingPosition: 'LATEST',
        BatchSize: 10,
        MaximumBatchingWindowInSeconds: 0,
        AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: 'notify' },
      },
    },
  });

  test('hand over batches as MSK’s events; a failing batch is refused, to come again', async () => {
    const data = await scratch();
    const { services } = await start(data, resources(all), { Note: NOTE });
    const [consumer] = services.consumers;
    expect(consumer?.options).toEqual({
      topic: 'file-changed',
      group: 'notify',
      from: 'LATEST',
      maxRecords: 10,
      windowMs: 0,
    });
    await expect(consumer?.handler([record(0, 7, 'poison')])).rejects.toThrow(/^Note failed: .*not yet/);
    await consumer?.handler([record(0, 7, 'poison'), record(3, 1, 'b'), record(0, 8, 'c')]);
    const logged = () => readFile(join(data, 'logs', 'Note.log'), 'utf8');
    await expect.poll(logged).toContain('"level":"ERROR"');
    const entry = (await logged()).split('\n').find((line) => line.startsWith('{'));
    expect(JSON.parse(JSON.parse(entry ?? '').message)).toMatchObject({
      eventSource: 'aws:kafka',
      eventSourceArn: 'arn:aws:kafka:us-east-1:000000000000:cluster/Cluster/uuid',
      records: {
        'file-changed-0': [
          { topic: 'file-changed', partition: 0, offset: 7, key: btoa('user'), value: btoa('poison'), headers: [] },
          { offset: 8, timestampType: 'CREATE_TIME', timestamp: 1_700_000_000_000 },
        ],
        'file-changed-3': [{ offset: 1 }],
      },
    });
  });

  test('name the actions that the function’s role lacks', async () => {
    const refused = start(await scratch(), resources(all.slice(0, 3)), { Note: NOTE });
    await expect(refused).rejects.toThrow(
      /Note may not read file-changed: .*DescribeGroup on arn:aws:kafka:.*:group\/Cluster\/uuid\/notify, kafka-cluster:AlterGroup/,
    );
  });
});

describe('schedules', () => {
  const NOTE = `export const handler = async (event) => console.log(JSON.stringify({ level: 'ERROR', message: JSON.stringify(event) }));`;
  const rule = {
    Type: 'AWS::Events::Rule',
    Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [{ Id: 't', Arn: { 'Fn::GetAtt': ['Note', 'Arn'] } }] },
  };
  const may = permission('Note', 'events.amazonaws.com', { 'Fn::GetAtt': ['Rule', 'Arn'] });

  test('that came due while the cloud was down run soon, with EventBridge’s event', async () => {
    const data = await scratch();
    const resources = { ...functionResources('Note'), Rule: rule, May: may };
    await (await start(data, resources, { Note: NOTE })).cloud.stop();
    const file = join(data, 'deployed.json');
    const state = JSON.parse(await readFile(file, 'utf8'));
    const [ruleArn = ''] = Object.keys(state.schedules);
    expect(Date.now() - state.schedules[ruleArn]).toBeLessThan(60_000);
    await writeFile(file, JSON.stringify({ ...state, schedules: { [ruleArn]: Date.now() - 3_700_000 } }));
    const { lines } = await start(data, resources, { Note: NOTE });
    await expect.poll(() => lines.find((line) => line.startsWith('Note: {'))).toBeDefined();
    const event = JSON.parse(lines.find((line) => line.startsWith('Note: {'))?.slice('Note: '.length) ?? '');
    expect(event).toMatchObject({ 'detail-type': 'Scheduled Event', source: 'aws.events', resources: [ruleArn] });
  });

  test('cron is refused by name', async () => {
    const odd = { ...rule, Properties: { ...rule.Properties, ScheduleExpression: 'cron(0 * * * ? *)' } };
    const refused = start(await scratch(), { ...functionResources('Note'), Odd: odd }, { Note: NOTE });
    await expect(refused).rejects.toThrow('Odd: cron(0 * * * ? *) is not run locally');
  });
});

describe('the start', () => {
  test('two clouds never share a folder; a lock whose process is gone is taken over', async () => {
    const data = await scratch();
    await writeFile(join(data, 'lock'), '1');
    await expect(start(data, {}, {})).rejects.toThrow(/another local cloud \(process 1\) uses .*--data/);
    await writeFile(join(data, 'lock'), '4194999');
    await expect(start(data, {}, {})).resolves.toBeDefined();
  });

  test('a taken port is named, and nothing is left running', async () => {
    const port = await freePorts();
    const squatter = createServer().listen(port, '127.0.0.1');
    const Resources = { Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } } };
    const data = await scratch();
    await expect(start(data, Resources, {}, port)).rejects.toThrow(`port ${port} (the HTTP API) is taken`);
    squatter.close();
    await expect(start(data, Resources, {}, port)).resolves.toBeDefined();
  });
});
