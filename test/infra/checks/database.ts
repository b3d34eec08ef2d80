import { Client, type ClientConfig } from 'pg';
import { refusedStart } from '../../../local/aws/rds/proxy.ts';
import type { Deployment } from '../deployment.ts';

/** Why a proxy would refuse functions that connect so. */
export function startProblems(connection: ClientConfig): string[] {
  // What pg writes into the first message of a connection; its types leave this out.
  const client = new Client(connection) as unknown as { getStartupConf(): Record<string, string> };
  const refused = refusedStart(Object.keys(client.getStartupConf()));
  return refused === undefined ? [] : [`0A000: ${refused}`];
}

/** Functions that Lambda would end before the database ends their statement, so that callers get no answer. */
export function statementProblems({ resources, functions }: Deployment): string[] {
  const groups = resources('AWS::RDS::DBClusterParameterGroup');
  const waiting = functions.filter(({ environment }) => environment.DATABASE_USER === 'tidemark_app');
  return groups.flatMap(({ path, properties }) => {
    const { statement_timeout: bound } = properties.Parameters as Record<string, string>;
    const seconds = Number(bound ?? Number.POSITIVE_INFINITY) / 1000;
    const short = waiting.filter((fn) => Number(fn.properties.Timeout) <= seconds).map(({ name }) => name);
    return short.length === 0 ? [] : [`${path} lets a statement run for ${seconds} s, longer than ${short.join(', ')}`];
  });
}
