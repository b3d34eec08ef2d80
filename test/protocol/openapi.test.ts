import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { openApiDocument } from '../../protocol/openapi/document.ts';

const root = join(import.meta.dirname, '../..');

test('docs/openapi.json is what npm run openapi writes', () => {
  const written = readFileSync(join(root, 'docs/openapi.json'), 'utf8');
  expect(JSON.parse(written), 'run npm run openapi').toEqual(JSON.parse(JSON.stringify(openApiDocument())));
});

test('every reference of the document leads somewhere', () => {
  const { components } = openApiDocument() as { components: { schemas: object } };
  const references = new Set(JSON.stringify(openApiDocument()).match(/(?<="#\/components\/schemas\/)\w+/g));
  expect([...references].filter((name) => !Object.hasOwn(components.schemas, name))).toEqual([]);
});

type Part = { readonly [key: string]: unknown };

/** Every part of a schema, with the way to it. */
function* parts(schema: unknown, at: string): Generator<[string, Part]> {
  if (typeof schema !== 'object' || schema === null) return;
  if (!Array.isArray(schema)) yield [at, schema as Part];
  for (const [key, inner] of Object.entries(schema)) yield* parts(inner, `${at}.${key}`);
}

/** Why a service could not take every value of a schema's part, or nothing. */
function unbounded({ type, minimum, maximum, enum: values, const: value, ...part }: Part): string | undefined {
  if (values !== undefined || value !== undefined) return undefined;
  const within = (least: number, most: number) => Number(minimum) >= least && Number(maximum) <= most;
  if (type === 'number') return within(0, 1) ? undefined : 'a number without bounds';
  if (type === 'integer') return within(-(2 ** 53) + 1, 2 ** 53 - 1) ? undefined : 'an integer beyond bigint';
  if (type === 'array') return part.maxItems === undefined ? 'a list without an end' : undefined;
  if (type !== 'string') return undefined;
  return part.pattern === undefined && part.format === undefined ? 'a text of any length' : undefined;
}

describe('the schemas of protocol/', async () => {
  const files = readdirSync(join(root, 'protocol')).filter((name) => name.endsWith('.ts'));
  const exported = await Promise.all(
    files.map(async (file) => (await import(join(root, 'protocol', file))) as Record<string, unknown>),
  );
  const schemas = exported
    .flatMap((module) => Object.entries(module))
    .filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType);

  test('all convert to JSON Schema', () => {
    expect(schemas.length).toBeGreaterThan(50);
    for (const [, schema] of schemas) expect(z.toJSONSchema(schema, { io: 'input' })).toBeTypeOf('object');
  });

  test('every number, text and list that a client sends has bounds, and every version fits its column', () => {
    const { paths, components } = openApiDocument() as { paths: Part; components: { schemas: Part } };
    const sent = Object.entries(components.schemas).filter(([name]) =>
      /Request$|Header$|^(OfferedFile|DeltaBase|Block|Path|Name)$/.test(name),
    );
    const queries = [...parts(paths, 'paths')].flatMap(([at, part]) => (part.in === 'query' ? [[at, part]] : []));
    const found = [...sent, ...queries].flatMap(([name, schema]) => [...parts(schema, String(name))]);
    const problems = found.flatMap(([at, part]) => (unbounded(part) ? [`${at}: ${unbounded(part)}`] : []));
    expect(problems).toEqual([]);

    const versions = found.filter(([at, { type }]) => /version$/.test(at) && type === 'integer');
    expect(versions.length).toBeGreaterThan(5);
    for (const [at, { maximum }] of versions) expect([at, maximum]).toEqual([at, 2 ** 31 - 1]);
  });
});
