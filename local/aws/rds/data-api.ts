import type { QueryArrayResult } from 'pg';
import { reason } from '../../errors.ts';
import type { Access } from '../access.ts';
import { AwsError } from '../errors.ts';
import { sendJson } from '../http.ts';
import { type JsonApi, parseMembers, unknownOperation } from '../json-api.ts';
import type { Secrets } from '../secrets.ts';
import type { Rds } from './cluster.ts';

/** A value as the Data API types it. */
function field(value: unknown): Record<string, unknown> {
  if (value === null || value === undefined) return { isNull: true };
  if (typeof value === 'boolean') return { booleanValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { longValue: value } : { doubleValue: value };
  if (Buffer.isBuffer(value)) return { blobValue: value.toString('base64') };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
}

/**
 * ExecuteStatement of the RDS Data API: runs SQL as the user whom the cluster's secret names. A cluster that may pause has
 * done so until the first call of a run, which resumes it and is refused.
 */
export function createDataApi(rds: Rds, secrets: Secrets, access: Access): JsonApi {
  const awake = new Set<string>();
  return {
    service: 'rds-data',
    async handle({ request, response, principal, body }) {
      if (request.method !== 'POST' || request.url !== '/Execute')
        throw unknownOperation('RDS Data API', request.url ?? '');
      const { resourceArn, secretArn, sql, database = 'postgres', parameters } = parseMembers(body);
      const cluster = rds.cluster(String(resourceArn));
      if (!cluster) throw new AwsError('BadRequestException', `There is no cluster ${resourceArn}.`);
      access.demand(principal, 'rds-data:ExecuteStatement', cluster.arn);
      access.demand(principal, 'secretsmanager:GetSecretValue', String(secretArn));
      if (!cluster.dataApi) throw new AwsError('BadRequestException', 'HttpEndpoint is not enabled for this cluster.');
      if (cluster.pauses && !awake.has(cluster.arn)) {
        awake.add(cluster.arn);
        const message = `The Aurora DB instance ${cluster.arn} is resuming after being auto-paused. Please wait a few seconds and try again.`;
        throw new AwsError('DatabaseResumingException', message);
      }
      if (Array.isArray(parameters) && parameters.length > 0) {
        throw new AwsError('BadRequestException', 'The local Data API takes statements without parameters.');
      }
      const { username } = JSON.parse(secrets.read(String(secretArn))) as { username?: string };
      if (username !== cluster.masterUser) {
        throw new AwsError('BadRequestException', `The secret is not that of ${cluster.masterUser}, the master user.`);
      }
      const client = await cluster.postgres.connect(username, String(database)).catch((error: unknown) => {
        throw new AwsError('BadRequestException', reason(error));
      });
      try {
        const result: QueryArrayResult<unknown[]> = await client.query({ text: String(sql), rowMode: 'array' });
        const records = result.fields?.length > 0 ? { records: result.rows.map((row) => row.map(field)) } : {};
        sendJson(response, 200, {
          numberOfRecordsUpdated: 'records' in records ? 0 : (result.rowCount ?? 0),
          ...records,
        });
      } catch (error) {
        const { code } = error as { code?: string };
        throw new AwsError('DatabaseErrorException', `ERROR: ${reason(error)}; SQLState: ${code ?? 'unknown'}`);
      } finally {
        await client.end();
      }
    },
  };
}
