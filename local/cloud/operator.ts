import { join } from 'node:path';
import { writeAtomic } from '../files.ts';
import type { Roles } from '../iam/roles.ts';
import { REGION } from '../types.ts';

/**
 * Writes `<data>/operator.json`: what `tidemark-admin` needs to invoke the function of output AdminFunction as the role
 * of output OperatorRole. A deployment without these has no operator.
 */
export async function writeOperator(
  data: string,
  outputs: Readonly<Record<string, string>>,
  { roles, endpoint, ca }: { roles: Roles; endpoint: string | undefined; ca: string },
): Promise<void> {
  const { AdminFunction, OperatorRole } = outputs;
  if (!AdminFunction || !OperatorRole) return;
  const { accessKeyId, secretAccessKey, sessionToken } = roles.issue('operator', OperatorRole);
  const credentials = { accessKeyId, secretAccessKey, sessionToken };
  const operator = { function: AdminFunction, endpoint, region: REGION, ca, credentials };
  await writeAtomic(join(data, 'operator.json'), `${JSON.stringify(operator, undefined, 2)}\n`);
}
