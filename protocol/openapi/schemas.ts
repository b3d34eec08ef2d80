import * as z from 'zod';
import { Change, ChangesResponse } from '../changes.ts';
import { CommitResponse, CommitResult } from '../commit.ts';
import { CompareResponse, Difference } from '../compare.ts';
import { DeleteRequest } from '../delete.ts';
import { DeltaApplyHeader, DeltaApplyResponse } from '../delta-apply.ts';
import { Device, DeviceName, DevicesResponse, RegisterDeviceRequest } from '../devices.ts';
import { DownloadRequest, DownloadResponse } from '../download.ts';
import { Block, Entry } from '../entry.ts';
import { ErrorBody, ErrorCode, ItemError } from '../errors.ts';
import { FinalizeRequest } from '../finalize.ts';
import { Hash } from '../hash.ts';
import { DamageResponse, HealRequest, HealResponse } from '../heal.ts';
import { HistoryResponse } from '../history.ts';
import { limits } from '../limits.ts';
import { MoveRequest } from '../move.ts';
import { PacksRequest, PacksResponse } from '../packs.ts';
import { Name, Path } from '../path.ts';
import { ProveRequest, ProveResponse } from '../prove.ts';
import { RestoreRequest } from '../restore.ts';
import { SaveHeader } from '../save.ts';
import { ServiceResponse } from '../service.ts';
import { TicketRequest, TicketResponse } from '../ticket.ts';
import { TreeResponse } from '../tree.ts';
import { BlockToSend, DeltaBase, OfferedFile, UploadInitRequest, UploadInitResponse } from '../upload-init.ts';
import { Uuid } from '../uuid.ts';

/** The schemas that have a name of their own in the document. */
const named = {
  ...{ Block, BlockToSend, Change, ChangesResponse, CommitResponse, CommitResult, CompareResponse, DamageResponse },
  ...{ DeleteRequest, DeltaApplyHeader, DeltaApplyResponse, DeltaBase, Device, DeviceName, DevicesResponse },
  ...{ Difference, DownloadRequest, DownloadResponse, Entry, ErrorBody, ErrorCode, FinalizeRequest, Hash, HealRequest },
  ...{ HealResponse, HistoryResponse, ItemError, MoveRequest, Name, OfferedFile, PacksRequest, PacksResponse, Path },
  ...{ ProveRequest, ProveResponse },
  ...{
    RegisterDeviceRequest,
    RestoreRequest,
    SaveHeader,
    ServiceResponse,
    TicketRequest,
    TicketResponse,
    TreeResponse,
  },
  ...{ UploadInitRequest, UploadInitResponse, Uuid },
};

const registry = z.registry<{ id: string }>();
for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });

/** What generators and validators understand of a rule; the rest of it is in the description. */
const segment = '[^/\\\\\\u0000-\\u001f\\u007f-\\u009f]+';
const beyondJsonSchema = new Map<z.ZodType, object>([
  [
    Path,
    {
      description: `Relative, in Unicode normal form C, without . and .. segments and names that are the client's own; at most ${limits.pathBytes} bytes in UTF-8, ${limits.segmentBytes} in a segment, ${limits.pathSegments} segments.`,
      pattern: `^${segment}(/${segment})*$`,
      maxLength: limits.pathBytes,
    },
  ],
  [
    Name,
    {
      description: `One segment of a path; at most ${limits.segmentBytes} bytes in UTF-8.`,
      pattern: `^${segment}$`,
      maxLength: limits.segmentBytes,
    },
  ],
  [DeviceName, { pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f/\\\\]{1,64}$' }],
  [OfferedFile, { description: '`size` is the sum of the sizes of the blocks; a directory has none.' }],
]);

export type JsonSchema = Record<string, unknown>;

const settings = {
  io: 'input',
  uri: (id: string) => `#/components/schemas/${id}`,
  override: ({ zodSchema, jsonSchema }: { zodSchema: z.core.$ZodType; jsonSchema: object }) => {
    Object.assign(jsonSchema, beyondJsonSchema.get(zodSchema as z.ZodType));
  },
} as const;

/** Every named schema as JSON Schema, by name. */
export function componentSchemas(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(registry, settings);
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, plain(schema as JsonSchema)]));
}

/** A reference to a named schema. Throws for one that has no name. */
export function referenceTo(schema: z.ZodType): { $ref: string } {
  const id = registry.get(schema)?.id;
  if (id === undefined) throw new Error('a schema of a route has no name: add it to protocol/openapi/schemas.ts');
  return { $ref: settings.uri(id) };
}

/** A schema in place, with what it says in full. */
export function inlineSchema(schema: z.ZodType): JsonSchema {
  return plain(z.toJSONSchema(schema, settings) as JsonSchema);
}

function plain({ $schema, $id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
