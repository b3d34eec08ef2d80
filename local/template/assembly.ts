import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LocalError, reason } from '../errors.ts';

export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly Condition?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
}

interface TemplateOutput {
  readonly Value: unknown;
  readonly Export?: { readonly Name: unknown };
  readonly Condition?: string;
}

interface Template {
  readonly Resources?: Readonly<Record<string, TemplateResource>>;
  readonly Outputs?: Readonly<Record<string, TemplateOutput>>;
  readonly Parameters?: Readonly<Record<string, { readonly Type: string; readonly Default?: unknown }>>;
  readonly Mappings?: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly Conditions?: Readonly<Record<string, unknown>>;
}

export interface Stack {
  readonly name: string;
  readonly template: Template;
}

export interface Assembly {
  readonly stacks: readonly Stack[];
  /** Folder of each file asset by the object key that it has in the asset bucket. */
  readonly assets: ReadonlyMap<string, string>;
}

interface Manifest {
  readonly artifacts?: Readonly<
    Record<
      string,
      { readonly type: string; readonly properties?: Readonly<Record<string, string>>; readonly displayName?: string }
    >
  >;
}

interface AssetManifest {
  readonly files?: Readonly<
    Record<
      string,
      {
        readonly source: { readonly path?: string };
        readonly destinations: Readonly<Record<string, { readonly objectKey: string }>>;
      }
    >
  >;
}

async function readJson<T>(path: string): Promise<T> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    throw new LocalError('Assembly', `the cloud assembly cannot be read (${reason(error)}): run npx cdk synth first`);
  }
}

/** Reads the cloud assembly that `cdk synth` wrote to `folder`: templates and where the assets lie. */
export async function loadAssembly(folder: string): Promise<Assembly> {
  const manifest = await readJson<Manifest>(join(folder, 'manifest.json'));
  const stacks: Stack[] = [];
  const assets = new Map<string, string>();
  for (const [id, artifact] of Object.entries(manifest.artifacts ?? {})) {
    if (artifact.type === 'aws:cloudformation:stack') {
      const file = artifact.properties?.templateFile ?? `${id}.template.json`;
      const name = artifact.properties?.stackName ?? id;
      stacks.push({ name, template: await readJson<Template>(join(folder, file)) });
    } else if (artifact.type === 'cdk:asset-manifest') {
      const listed = await readJson<AssetManifest>(join(folder, artifact.properties?.file ?? `${id}.assets.json`));
      for (const { source, destinations } of Object.values(listed.files ?? {})) {
        if (source.path === undefined) continue;
        for (const { objectKey } of Object.values(destinations)) assets.set(objectKey, join(folder, source.path));
      }
    } else if (artifact.type === 'cdk:cloud-assembly') {
      throw new LocalError(
        'Assembly',
        `${id}: stages (nested assemblies) are not run locally; synthesize plain stacks`,
      );
    }
  }
  if (stacks.length === 0) throw new LocalError('Assembly', `${folder} holds no stack: run npx cdk synth first`);
  return { stacks, assets };
}
