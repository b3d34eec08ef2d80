import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Stack } from '../../../local/template/assembly.ts';
import { collectExports } from '../../../local/template/order.ts';
import { referencesOf } from '../../../local/template/references.ts';
import type { Deployment } from '../deployment.ts';

/** What CloudFormation would do to a resource when one deployment becomes another. */
export interface Change {
  /** `TidemarkStream.Cluster` */
  readonly id: string;
  readonly type: string;
  readonly kind: 'new' | 'gone' | 'updated' | 'replaced';
  /** The properties that differ, of a replaced one those that replace it. */
  readonly because: readonly string[];
}

type Value = { readonly [key: string]: Value } | readonly Value[] | string | number | boolean | undefined;
interface Property {
  readonly causesReplacement?: 'yes' | 'no' | 'maybe';
  readonly type?: { readonly type: string; readonly reference?: { readonly $ref: string } };
}
type Properties = Readonly<Record<string, Property>>;
interface Entities {
  readonly entities: readonly { $id: string; cloudFormationType?: string; properties?: Properties }[];
}

/** Which properties replace a resource: what AWS says in the database that the CDK's command line brings for its diffs. */
const specification = (() => {
  const file = join(import.meta.dirname, '../../../node_modules/aws-cdk/db.json.gz');
  const { schema } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as {
    schema: Record<'resource' | 'typeDefinition', Entities>;
  };
  const resources = new Map(
    schema.resource.entities.map(({ cloudFormationType, properties }) => [cloudFormationType, properties ?? {}]),
  );
  const types = new Map(schema.typeDefinition.entities.map(({ $id, properties }) => [$id, properties]));
  return { resources, types };
})();

/** Names that AWS takes once: under the same one it makes no second resource, and so replaces none. */
const names: Readonly<Record<string, string>> = {
  'AWS::MSK::Cluster': 'ClusterName',
  'AWS::SSM::Parameter': 'Name',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::RDS::DBCluster': 'DBClusterIdentifier',
  'AWS::CloudFront::ResponseHeadersPolicy': 'ResponseHeadersPolicyConfig',
};

/** All that differs. */
export function changesBetween(before: Deployment, after: Deployment): Change[] {
  const [old, next] = [resourcesOf(before), resourcesOf(after)];
  const gone = [...old].filter(([id]) => !next.has(id)).map(([id, { type }]) => change(id, type, 'gone'));
  const fresh = [...next].filter(([id]) => !old.has(id)).map(([id, { type }]) => change(id, type, 'new'));
  const kept = [...next].filter(([id]) => old.has(id));
  const exports = exportsOf(after);
  const replaced = new Map<string, string[]>();
  // What is replaced may replace what refers to it, until nothing more follows.
  for (let size = -1; size < replaced.size; ) {
    size = replaced.size;
    for (const [id, { stack, type, properties }] of kept) {
      const isAnother = (value: Value) => referencesIn(stack, value, exports).some((one) => replaced.has(one));
      const because = replacing(
        specification.resources.get(type) ?? {},
        old.get(id)!.properties,
        properties,
        isAnother,
      );
      if (because.length > 0) replaced.set(id, because);
    }
  }
  const differing = kept.flatMap(([id, { type, properties }]): Change[] => {
    const because = replaced.get(id);
    if (because) return [change(id, type, 'replaced', because)];
    const keys = different(old.get(id)!.properties, properties);
    return keys.length > 0 ? [change(id, type, 'updated', keys)] : [];
  });
  return [...gone, ...fresh, ...differing];
}

/** Why CloudFormation would refuse it. */
export function refusalsOf(before: Deployment, after: Deployment): string[] {
  const replaced = new Set(changesBetween(before, after).flatMap(({ id, kind }) => (kind === 'replaced' ? [id] : [])));
  return [...sameNames(before, after, replaced), ...changedExports(before, after, replaced)];
}

function change(id: string, type: string, kind: Change['kind'], because: readonly string[] = []): Change {
  return { id, type, kind, because };
}

function resourcesOf({ stacks }: Deployment) {
  return new Map(
    stacks.flatMap((stack) =>
      Object.entries(stack.template.Resources ?? {}).map(([id, { Type, Properties }]) => [
        `${stack.name}.${id}`,
        { stack, type: Type, properties: (Properties ?? {}) as Readonly<Record<string, Value>> },
      ]),
    ),
  );
}

type Exports = ReturnType<typeof collectExports>;

function exportsOf({ stacks }: Deployment): Exports {
  return collectExports({ stacks, assets: new Map() });
}

/** The resources that a value comes from, through exports and parameters too. */
function referencesIn(stack: Stack, value: Value, exports: Exports): string[] {
  const { resources, imports } = referencesOf(stack, value, '');
  const others = imports.flatMap((name) => {
    const found = exports.get(String(name));
    return found ? referencesIn(found.stack, found.value as Value, exports) : [];
  });
  return [...[...resources].map((id) => `${stack.name}.${id}`), ...others];
}

/** Paths of properties whose change replaces the resource that they belong to. */
function replacing(specified: Properties, old: Value, next: Value, isAnother: (value: Value) => boolean): string[] {
  const [was, is] = [old, next].map((value) => (value ?? {}) as Readonly<Record<string, Value>>) as [
    Readonly<Record<string, Value>>,
    Readonly<Record<string, Value>>,
  ];
  return Object.entries(specified).flatMap(([name, { causesReplacement, type }]) => {
    const changed = !equal(was[name], is[name]) || (is[name] !== undefined && isAnother(is[name]));
    if (!changed) return [];
    if (causesReplacement === 'yes') return [name];
    const nested = type?.type === 'ref' ? specification.types.get(type.reference?.$ref ?? '') : undefined;
    return nested ? replacing(nested, was[name], is[name], isAnother).map((path) => `${name}.${path}`) : [];
  });
}

function different(old: Readonly<Record<string, Value>>, next: Readonly<Record<string, Value>>): string[] {
  const keys = new Set([...Object.keys(old), ...Object.keys(next)]);
  return [...keys].filter((key) => !equal(old[key], next[key]));
}

function equal(one: Value, other: Value): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function sameNames(before: Deployment, after: Deployment, replaced: ReadonlySet<string>): string[] {
  const [old, next] = [resourcesOf(before), resourcesOf(after)];
  return [...replaced].flatMap((id) => {
    const { type, properties } = next.get(id)!;
    const name = names[type];
    const same = name !== undefined && properties[name] && equal(properties[name], old.get(id)!.properties[name]);
    return same ? [`${id} is to be replaced and keeps its name: a custom-named resource cannot be`] : [];
  });
}

/** The stack that exports is updated first, while the others still import. */
function changedExports(before: Deployment, after: Deployment, replaced: ReadonlySet<string>): string[] {
  const [old, next] = [exportsOf(before), exportsOf(after)];
  const imports = new Set(
    before.stacks.flatMap((stack) => [...referencesOf(stack, stack.template.Resources, '').imports].map(String)),
  );
  return [...old].flatMap(([name, { value }]) => {
    if (name.startsWith('ssm:') || !imports.has(name)) return [];
    const found = next.get(name);
    if (!found) return [`Cannot delete export ${name} as it is in use`];
    const moved = referencesIn(found.stack, found.value as Value, next).some((id) => replaced.has(id));
    return moved || !equal(value as Value, found.value as Value)
      ? [`Export ${name} cannot be updated as it is in use`]
      : [];
  });
}
