import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { profileNames } from '../../lib/profiles/profiles.ts';
import { createStacks } from '../../lib/tidemark.ts';
import { deploymentOf } from './deployment.ts';

// A reader who follows the documents command by command has to find everything that they name.

const pages = ['README.md', 'docs/operations.md', 'docs/operator-runbook.md', 'docs/profiles.md'].map((path) => ({
  path,
  text: readFileSync(join(import.meta.dirname, '../..', path), 'utf8'),
}));

function named(pattern: RegExp): { path: string; names: string[] }[] {
  return pages.map(({ path, text }) => ({
    path,
    names: [...new Set([...text.matchAll(pattern)].map((match) => match.slice(1).find(Boolean)!))],
  }));
}

/** Of what a domain of one's own adds, and of the template for the roles of a pipeline. */
const others = [
  'ApiDomainTarget',
  'SocketDomainTarget',
  ...[
    ...readFileSync(join(import.meta.dirname, '../../.github/deploy-roles.yaml'), 'utf8')
      .split(/^Outputs:$/m)[1]!
      .matchAll(/^ {2}(\w+):/gm),
  ].map(([, name]) => name!),
];
const outputs = profileNames.map((profile) => {
  const { stacks } = deploymentOf(profile);
  return new Set([
    ...others,
    ...stacks.flatMap(({ name, template }) =>
      Object.keys(template.Outputs ?? {}).flatMap((id) => [id, `${name}.${id}`]),
    ),
  ]);
});

test.each(named(/\b(Tidemark[A-Z]\w+\.\w+)\b(?!\.json)|outputs? `(\w+)`/g))(
  '$path names outputs that every profile has: $names',
  ({ names }) => {
    for (const known of outputs) expect(names.filter((name) => !known.has(name))).toEqual([]);
  },
);

test.each(named(/\b(Tidemark[A-Z][a-z]+)\b/g))('$path names stacks that there are: $names', ({ names }) => {
  const stacks = deploymentOf().stacks.map(({ name }) => name);
  expect(names.filter((name) => !stacks.includes(name))).toEqual([]);
});

test.each(named(/(?:-c|--context) (\w+)=/g))(
  '$path gives keys of the context that the app reads: $names',
  ({ names }) => {
    const read = new Set<string>();
    const app = new App({ context: { profile: 'dev', signingKeys: 'A,B', 'aws:cdk:bundling-stacks': [] } });
    const tryGetContext = app.node.tryGetContext.bind(app.node);
    app.node.tryGetContext = (key) => {
      read.add(key);
      return tryGetContext(key);
    };
    createStacks(app);
    expect(names.filter((name) => !read.has(name))).toEqual([]);
  },
);

test('the documents do name some of each', () => {
  for (const pattern of [/outputs? `(\w+)`/g, /-c (\w+)=/g, /\b(TidemarkApi)\b/g]) {
    expect(named(pattern).flatMap(({ names }) => names).length).toBeGreaterThan(0);
  }
});
