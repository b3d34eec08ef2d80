import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

type Resources = Record<string, object>;
type Template = { Resources: Resources; Outputs?: Record<string, object>; Conditions?: Record<string, object> };

/** Makes an empty folder that goes after the file's tests. */
export async function scratch(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-runtime-'));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** Writes a cloud assembly like CDK's: templates by stack name, and functions' sources by asset name. */
export async function writeAssembly(
  templates: Record<string, Template>,
  sources: Record<string, string> = {},
): Promise<string> {
  const folder = await scratch();
  const artifacts: Record<string, object> = {};
  for (const [stack, template] of Object.entries(templates)) {
    artifacts[stack] = { type: 'aws:cloudformation:stack', properties: { templateFile: `${stack}.template.json` } };
    await writeFile(join(folder, `${stack}.template.json`), JSON.stringify(template));
  }
  const files: Record<string, object> = {};
  for (const [asset, source] of Object.entries(sources)) {
    await mkdir(join(folder, `asset.${asset}`));
    await writeFile(join(folder, `asset.${asset}`, 'index.mjs'), source);
    files[asset] = { source: { path: `asset.${asset}` }, destinations: { here: { objectKey: `${asset}.zip` } } };
  }
  artifacts['all.assets'] = { type: 'cdk:asset-manifest', properties: { file: 'all.assets.json' } };
  await writeFile(join(folder, 'all.assets.json'), JSON.stringify({ files }));
  await writeFile(join(folder, 'manifest.json'), JSON.stringify({ version: '55.0.0', artifacts }));
  return folder;
}

/** A function with a role of its own, as resources of a template. */
export function functionResources(
  name: string,
  properties: object = {},
  statements: readonly object[] = [],
): Resources {
  return {
    [`${name}Role`]: {
      Type: 'AWS::IAM::Role',
      Properties: {
        ManagedPolicyArns: ['VPCAccess', 'MSK'].map(
          (name) => `arn:aws:iam::aws:policy/service-role/AWSLambda${name}ExecutionRole`,
        ),
        Policies: [{ PolicyName: 'own', PolicyDocument: { Statement: statements } }],
      },
    },
    [name]: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        Code: { S3Bucket: 'assets', S3Key: `${name}.zip` },
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Role: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
        Timeout: 10,
        ...properties,
      },
    },
  };
}

/** A function's permission for a service. */
export function permission(functionName: string, service: string, sourceArn: unknown): object {
  return {
    Type: 'AWS::Lambda::Permission',
    Properties: {
      Action: 'lambda:InvokeFunction',
      FunctionName: { 'Fn::GetAtt': [functionName, 'Arn'] },
      Principal: service,
      SourceArn: sourceArn,
    },
  };
}
