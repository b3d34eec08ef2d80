import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scratch } from './scratch.ts';

export interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

/**
 * A copy of a cloud assembly with each template changed in place by `change`, which answers at how many places it did.
 * The test removes the folder. Throws unless there was exactly one such place.
 */
export async function changedAssembly(assembly: string, change: (template: Template) => number): Promise<string> {
  const copy = await scratch('tidemark-changed-');
  await cp(assembly, copy, { recursive: true });
  let places = 0;
  for (const name of await readdir(copy)) {
    if (!name.endsWith('.template.json')) continue;
    const template = JSON.parse(await readFile(join(copy, name), 'utf8')) as Template;
    places += change(template);
    await writeFile(join(copy, name), JSON.stringify(template));
  }
  if (places !== 1) throw new Error(`the change fits ${places} places of the templates, not one`);
  return copy;
}
