import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunningFunction } from '../kept/running.ts';
import type { TemplateResource } from '../template/assembly.ts';

/** Where a function's container has its code, the local CA beside it. */
const TASK_ROOT = '/var/task';
const CA_FILE = 'local-ca.pem';

/**
 * The synthesized template of a function's stack as SAM CLI can run it: with what SAM does not resolve (imports from
 * other stacks) filled in as the running cloud has it, and with the local CA beside the code. Returns the file.
 */
export async function samTemplate(
  { definition, environment }: RunningFunction,
  stackTemplate: string,
  caFile: string,
  folder: string,
): Promise<string> {
  const code = join(folder, definition.name);
  await rm(code, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await cp(definition.taskRoot, code, { recursive: true });
  await cp(caFile, join(code, CA_FILE));

  const template = JSON.parse(await readFile(stackTemplate, 'utf8')) as { Resources: Record<string, TemplateResource> };
  const found = template.Resources[definition.logicalId]!;
  template.Resources[definition.logicalId] = {
    ...found,
    Properties: { ...found.Properties, Environment: { Variables: variables(environment, caFile) } },
    Metadata: { ...found.Metadata, 'aws:asset:path': code },
  };
  const file = join(folder, `${definition.name}.template.json`);
  await writeFile(file, JSON.stringify(template), { mode: 0o600 });
  return file;
}

/** SAM sets credentials and the variables of the Lambda service itself. */
function variables(environment: RunningFunction['environment'], caFile: string): Record<string, string> {
  const own = Object.entries(environment).filter(
    ([name]) => name.startsWith('AWS_ENDPOINT_URL_') || !/^(AWS_|LAMBDA_|_|PATH$|LANG$|TZ$)/.test(name),
  );
  const trusted = own.map(([name, value]) => [name, value.replaceAll(caFile, `${TASK_ROOT}/${CA_FILE}`)]);
  return { ...Object.fromEntries(trusted), NODE_EXTRA_CA_CERTS: `${TASK_ROOT}/${CA_FILE}` };
}
