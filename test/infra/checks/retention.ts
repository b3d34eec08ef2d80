import type { Stack, TemplateResource } from '../../../local/template/assembly.ts';
import { collectExports } from '../../../local/template/order.ts';
import { referencesOf } from '../../../local/template/references.ts';
import type { Deployment } from '../deployment.ts';

type Retained = TemplateResource & { readonly DeletionPolicy?: string };

function isKept({ DeletionPolicy }: Retained): boolean {
  return DeletionPolicy?.startsWith('Retain') === true;
}

/** Resources that would go while one that is kept still uses them: AWS refuses, and the deletion of their stack fails. */
export function retentionProblems({ stacks }: Deployment): string[] {
  const exports = collectExports({ stacks, assets: new Map() });
  const needed = (stack: Stack, expression: unknown): [Stack, string][] => {
    const { resources, imports } = referencesOf(stack, expression, '');
    const own = [...resources].map((id): [Stack, string] => [stack, id]);
    const others = imports.flatMap((name) => {
      const found = exports.get(String(name));
      return found ? needed(found.stack, found.value) : [];
    });
    return [...own, ...others];
  };
  return stacks.flatMap((stack) =>
    Object.entries(stack.template.Resources ?? {})
      .filter(([, resource]) => isKept(resource))
      .flatMap(([id, { Properties }]) =>
        needed(stack, Properties)
          .filter(([owner, other]) => !isKept(owner.template.Resources![other]!))
          .map(([owner, other]) => `${stack.name}.${id} is kept, and uses ${owner.name}.${other}, which is deleted`),
      ),
  );
}

/** What AWS keeps, or a last copy of it, where a template does not say otherwise. */
const keptUnlessSaid = ['AWS::RDS::DBCluster', 'AWS::RDS::DBInstance'];

/** What stays in the account, and is paid for, when the stacks are destroyed. */
export function leftovers({ stacks }: Deployment): string[] {
  return stacks.flatMap(({ name, template }) =>
    Object.entries(template.Resources ?? {})
      .filter(([, resource]: [string, Retained]) => {
        const { Type, DeletionPolicy = keptUnlessSaid.includes(Type) ? 'Snapshot' : 'Delete' } = resource;
        return DeletionPolicy !== 'Delete';
      })
      .map(([id, { Type }]) => `${name}.${id} (${Type})`),
  );
}

/** Buckets that are deleted with what is in them, which S3 refuses (BucketNotEmpty) unless somebody empties them first. */
export function emptyingProblems({ stacks, resources }: Deployment): string[] {
  const emptied = stacks.flatMap(({ name, template }) =>
    Object.values(template.Resources ?? {})
      .filter(({ Type, Properties }) => Type === 'Custom::EmptiedBucket' && Properties?.Empty === 'true')
      .map(({ Properties }) => `${name}.${(Properties!.Bucket as { Ref: string }).Ref}`),
  );
  return resources('AWS::S3::Bucket')
    .filter(({ id, deletionPolicy }) => deletionPolicy === 'Delete' && !emptied.includes(id))
    .map(({ id }) => `${id} is deleted with its stack, and nothing empties it: S3 answers BucketNotEmpty`);
}

/** What a documented change of a deployment replaces, and so may not be exported. */
const replaceable = ['AWS::MSK::Cluster', 'AWS::MSK::Topic', 'Custom::BootstrapBrokers'];

/** Values that other stacks import although a documented change, or a restore, gives them anew. */
export function exportProblems({ stacks }: Deployment): string[] {
  return [...collectExports({ stacks, assets: new Map() })].flatMap(([name, { stack, value }]) => {
    if (name.startsWith('ssm:')) return [];
    const types = [...referencesOf(stack, value, '').resources].map((id) => stack.template.Resources![id]!.Type);
    const isNew =
      types.some((type) => replaceable.includes(type)) || /DBClusterResourceId|Endpoint\./.test(JSON.stringify(value));
    return isNew
      ? [
          `${name} will change: CloudFormation refuses to update an export as long as a stack imports it. Use SharedValue.`,
        ]
      : [];
  });
}
