import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../../local/template/assembly.ts';
import { prepare } from '../../../local/template/provision.ts';
import type { ResourceContext } from '../../../local/types.ts';
import { writeAssembly } from './sample-assembly.ts';

/** Types that nobody provides. */
const unknown = ['Test::Unknown', 'AWS::ApiGatewayV2::DomainName'];

async function provision(templates: Parameters<typeof writeAssembly>[0]) {
  const seen: ResourceContext[] = [];
  const provisioning = prepare(await loadAssembly(await writeAssembly(templates)), (type) =>
    unknown.includes(type)
      ? undefined
      : (resource) => {
          seen.push(resource);
          const { logicalId } = resource;
          return { ref: `ref-${logicalId}`, attributes: { Arn: `arn-${logicalId}`, 'Endpoint.Port': 5432 } };
        },
  );
  await provisioning.run();
  return { seen, outputs: provisioning.outputs() };
}

const thing = (Properties: object = {}, more: object = {}) => ({ Type: 'Test::Thing', Properties, ...more });

async function resolved(value: unknown, more: object = {}): Promise<unknown> {
  const template = { Resources: { Base: thing(), User: thing({ value, Base: { Ref: 'Base' } }) }, ...more };
  const { seen } = await provision({ App: template });
  return seen.find(({ logicalId }) => logicalId === 'User')?.properties.value;
}

describe('intrinsics', () => {
  test.each<[unknown, unknown]>([
    [{ Ref: 'Base' }, 'ref-Base'],
    [{ Ref: 'AWS::Region' }, 'us-east-1'],
    [{ 'Fn::GetAtt': ['Base', 'Arn'] }, 'arn-Base'],
    [{ 'Fn::GetAtt': ['Base', 'Endpoint.Port'] }, 5432],
    [{ 'Fn::GetAtt': 'Base.Endpoint.Port' }, 5432],
    [{ 'Fn::Join': ['-', ['a', { Ref: 'Base' }, 1]] }, 'a-ref-Base-1'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's placeholders
    [{ 'Fn::Sub': '${Base}/${Base.Arn}/${AWS::AccountId}/${!kept}' }, 'ref-Base/arn-Base/000000000000/${kept}'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation's placeholders
    [{ 'Fn::Sub': ['${x}-${Base}', { x: { Ref: 'AWS::StackName' } }] }, 'App-ref-Base'],
    [{ 'Fn::Select': [1, { 'Fn::Split': ['://', 'https://host'] }] }, 'host'],
    [{ 'Fn::Select': [2, { 'Fn::GetAZs': '' }] }, 'us-east-1c'],
    [{ 'Fn::Base64': 'text' }, 'dGV4dA=='],
    [{ kept: 1, dropped: { Ref: 'AWS::NoValue' } }, { kept: 1 }],
    [
      { Statement: [{ Condition: { StringLike: { 's3:prefix': 'blocks/*' } } }] },
      { Statement: [{ Condition: { StringLike: { 's3:prefix': 'blocks/*' } } }] },
    ],
  ])('%j', async (expression, value) => {
    expect(await resolved(expression)).toEqual(value);
  });

  test('conditions and mappings', async () => {
    const Conditions = {
      Here: { 'Fn::Equals': [{ Ref: 'AWS::Region' }, 'us-east-1'] },
      There: { 'Fn::Not': [{ Condition: 'Here' }] },
    };
    expect(await resolved({ 'Fn::If': ['Here', 'yes', 'no'] }, { Conditions })).toBe('yes');
    expect(await resolved({ 'Fn::If': ['There', 'yes', 'no'] }, { Conditions })).toBe('no');
    const Mappings = { Sizes: { 'us-east-1': { small: 's' } } };
    expect(await resolved({ 'Fn::FindInMap': ['Sizes', { Ref: 'AWS::Region' }, 'small'] }, { Mappings })).toBe('s');
  });

  test.each([
    [{ 'Fn::Transform': {} }, 'template App: User.value: the intrinsic Fn::Transform is not known to the local cloud'],
    [{ Ref: 'Nothing' }, 'template App: User.value: refers to Nothing, which the template does not define'],
    [{ deep: [{ 'Fn::GetAtt': ['Base', 'Colour'] }] }, 'User.value.deep[0]: Base has no attribute Colour'],
    [{ 'Fn::ImportValue': 'x' }, 'User: imports x, which no stack exports'],
  ])('refuses %j and names the place', async (expression, message) => {
    await expect(resolved(expression)).rejects.toThrow(message);
  });
});

describe('order', () => {
  const order = ({ seen }: { seen: ResourceContext[] }) => seen.map(({ logicalId }) => logicalId);

  test('follows references, DependsOn and imports across stacks, and lets custom resources go last', async () => {
    const run = await provision({
      Second: {
        Resources: {
          Custom: { Type: 'Custom::Thing', Properties: {} },
          Last: thing({}, { DependsOn: 'Custom' }),
          Middle: thing({ Value: { 'Fn::ImportValue': 'First:Base' } }),
        },
        Outputs: { Named: { Value: { 'Fn::GetAtt': ['Middle', 'Arn'] } } },
      },
      First: {
        Resources: { Base: thing() },
        Outputs: { ExportsOutputBase: { Value: { Ref: 'Base' }, Export: { Name: 'First:Base' } } },
      },
    });
    expect(order(run)).toEqual(['Base', 'Middle', 'Custom', 'Last']);
    expect(run.seen[1]?.properties.Value).toBe('ref-Base');
    expect(run.outputs).toEqual({ Named: 'arn-Middle' });
  });

  test('a cycle is named', async () => {
    const Resources = { A: thing({ x: { Ref: 'B' } }), B: thing({}, { DependsOn: 'A' }) };
    await expect(provision({ App: { Resources } })).rejects.toThrow('a cycle: App/A -> App/B -> App/A');
  });

  test('a type that nobody provides is named before anything is made', async () => {
    const Resources = { Odd: { Type: 'Test::Unknown' } };
    await expect(provision({ App: { Resources } })).rejects.toThrow('Test::Unknown (Odd of App) is unknown');
  });

  test("a domain of one's own is refused with the reason", async () => {
    const Resources = { Own: { Type: 'AWS::ApiGatewayV2::DomainName' } };
    await expect(provision({ App: { Resources } })).rejects.toThrow(/needs DNS and certificates .* without domain=/);
  });
});
