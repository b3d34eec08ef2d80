import { deltaContentType } from '../delta-apply.ts';
import { type ErrorCode, errorStatus } from '../errors.ts';
import { limits } from '../limits.ts';
import { routes } from '../routes.ts';
import { saveContentType } from '../save.ts';
import { Uuid } from '../uuid.ts';
import { links } from './links.ts';
import { type Operation, operations, type RouteKey } from './operations.ts';
import { componentSchemas, inlineSchema, type JsonSchema, referenceTo } from './schemas.ts';

/** Errors of every route that takes a token, and of every route with a body. */
const tokenErrors: readonly ErrorCode[] = [
  'bad_request',
  'limit_exceeded',
  'device_unknown',
  'device_revoked',
  'client_too_old',
];
const bodyErrors: readonly ErrorCode[] = ['body_too_large', 'unsupported_media_type'];
const anyErrors: readonly ErrorCode[] = ['internal', 'unavailable', 'throttled', 'unauthorized'];
/** What API Gateway answers without asking the service. */
const gatewayStatus = [401, 403, 413, 429, 500, 503];

/** The HTTP API in OpenAPI 3.1, from the schemas that both sides check with. */
export function openApiDocument(): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path } of routes) {
    const key = `${method} ${path}` as RouteKey;
    paths[path] = { ...paths[path], [method.toLowerCase()]: describe(key, operations[key]) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tidemark',
      version: '1',
      description: 'Written by `npm run openapi` from `protocol/`. What holds beyond single calls is in sync-spec.md.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'An access token of Cognito.' },
      },
      schemas: {
        ...componentSchemas(),
        GatewayMessage: {
          description: 'What API Gateway says itself.',
          type: 'object',
          properties: { message: { type: 'string' } },
          required: ['message'],
          additionalProperties: false,
        },
      },
    },
  };
}

/** The codes of all errors that a route may answer. */
export function errorsOf(key: RouteKey): ErrorCode[] {
  const { body, errors = [] }: Operation = operations[key];
  return [...anyErrors, ...(isPublic(key) ? [] : tokenErrors), ...(body ? bodyErrors : []), ...errors];
}

function isPublic(key: RouteKey): boolean {
  return key === 'GET /service' || key === 'GET /install';
}

function describe(key: RouteKey, operation: Operation): JsonSchema {
  const parameters = [...pathParameters(key), ...(operation.query ? queryParameters(operation.query) : [])];
  return {
    operationId: operation.id,
    summary: operation.summary,
    ...(isPublic(key) && { security: [] }),
    ...(parameters.length > 0 && { parameters }),
    ...(operation.body && { requestBody: { required: true, content: bodyOf(key, operation.body) } }),
    responses: {
      200: {
        description: 'Done.',
        content: operation.answerType
          ? { [operation.answerType]: { schema: inlineSchema(operation.answer) } }
          : json(referenceTo(operation.answer)),
        ...(links[key] && { links: links[key] }),
      },
      ...(parameters.length > 0 && { 431: { description: 'Request line and headers have more than 10,240 bytes.' } }),
      ...errorResponses(errorsOf(key)),
    },
  };
}

function json(schema: JsonSchema): JsonSchema {
  return { 'application/json': { schema } };
}

function bodyOf(key: RouteKey, body: NonNullable<Operation['body']>): JsonSchema {
  const binary = binaryBodies[key];
  if (!binary) return json(referenceTo(body));
  const description = `The length of a ${binary.header} (4 bytes, big-endian), that header as JSON in UTF-8, then the bytes of the ${binary.parts}.`;
  const schema = { type: 'string', format: 'binary', maxLength: limits.binaryBodyBytes, description };
  return { [binary.type]: { schema } };
}

/** Bodies that are a header and bytes. */
const binaryBodies: { readonly [Key in RouteKey]?: Record<'type' | 'header' | 'parts', string> } = {
  'POST /delta-apply': { type: deltaContentType, header: 'DeltaApplyHeader', parts: 'deltas' },
  'POST /save': { type: saveContentType, header: 'SaveHeader', parts: 'encoded contents' },
};

function pathParameters(key: RouteKey): JsonSchema[] {
  return [...key.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    ...{ name, in: 'path', required: true },
    schema: referenceTo(Uuid),
  }));
}

function queryParameters(query: NonNullable<Operation['query']>): JsonSchema[] {
  const { required = [] } = inlineSchema(query) as { required?: string[] };
  return Object.entries(query.shape).map(([name, schema]) => ({
    ...{ name, in: 'query', required: required.includes(name) },
    schema: inlineSchema(schema),
  }));
}

function errorResponses(codes: readonly ErrorCode[]): Record<number, JsonSchema> {
  const byStatus = Map.groupBy(new Set(codes), (code) => errorStatus[code]);
  return Object.fromEntries(
    [...byStatus]
      .sort(([one], [other]) => one - other)
      .map(([status, given]) => {
        const typed = {
          allOf: [{ $ref: '#/components/schemas/ErrorBody' }, { properties: { code: { enum: given } } }],
        };
        const schema = gatewayStatus.includes(status)
          ? { anyOf: [typed, { $ref: '#/components/schemas/GatewayMessage' }] }
          : typed;
        return [status, { description: given.join(', '), content: json(schema) }];
      }),
  );
}
