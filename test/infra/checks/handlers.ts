import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { loadAssembly } from '../../../local/template/assembly.ts';
import type { Deployment } from '../deployment.ts';

/** Imports each module as Lambda does when a function starts; prints what was wrong by index. */
const script = `
const found = await Promise.all(process.argv.slice(1).map(async (one) => {
  const [file, name] = JSON.parse(one);
  try { return typeof (await import(file))[name] === 'function' ? '' : 'exports no function ' + name; }
  catch (error) { return error.code === 'ERR_MODULE_NOT_FOUND' ? 'does not exist' : String(error); }
}));
console.log(JSON.stringify(found));
process.exit();`;

/**
 * Functions whose handler Lambda would not find in their code.
 * @param bundled an assembly that holds the bundles; those of the deployment's functions are looked up by name
 */
export async function handlerProblems({ functions }: Deployment, bundled: Deployment): Promise<string[]> {
  const { assets } = await loadAssembly(bundled.folder);
  const keys = new Map(
    bundled.functions.map(({ id, properties }) => [id, (properties.Code as { S3Key: string }).S3Key]),
  );
  const handlers = functions.map(({ id, name, properties }) => {
    const handler = String(properties.Handler);
    const [module = '', exported = ''] = handler.split('.');
    return { name, handler, file: join(assets.get(keys.get(id) ?? '') ?? '', `${module}.mjs`), exported };
  });
  const args = handlers.map(({ file, exported }) => JSON.stringify([file, exported]));
  look(args.filter((arg) => !known.has(arg)));
  return handlers.flatMap(({ name, handler }, index) => {
    const wrong = known.get(args[index]!);
    return wrong ? [`${name}: its handler is ${handler}, and that module of its bundle ${wrong}`] : [];
  });
}

/** What was wrong with a module and the name of its export: nobody changes a bundle. */
const known = new Map<string, string>();

function look(args: readonly string[]): void {
  if (args.length === 0) return;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', script, ...args], {
    encoding: 'utf8',
  });
  const wrong = JSON.parse(printed.trim().split('\n').at(-1)!) as string[];
  for (const [index, arg] of args.entries()) known.set(arg, wrong[index]!);
}
