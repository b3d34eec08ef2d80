import { rm } from 'node:fs/promises';
import { afterEach, expect, inject, test } from 'vitest';
import { changedAssembly, type Template } from '../support/assembly.ts';
import { type Service, startService } from '../support/service.ts';

let service: Service | undefined;
let assembly: string | undefined;

afterEach(async () => {
  await service?.stop();
  if (assembly) await rm(assembly, { recursive: true });
  service = undefined;
});

/** Runs the app as it would synthesize without one line of `lib/`: `remove` answers how many places it removed. */
async function startWithout(remove: (template: Template) => number): Promise<Service> {
  assembly = await changedAssembly(inject('assembly'), remove);
  service = await startService(assembly);
  return service;
}

/** Takes the statements with this action out of the policy of one function's role. */
function withoutGrant(functionId: string, action: string): (template: Template) => number {
  return ({ Resources }) => {
    let removed = 0;
    for (const [id, { Type, Properties }] of Object.entries(Resources)) {
      if (Type !== 'AWS::IAM::Policy' || !id.startsWith(functionId)) continue;
      const document = Properties.PolicyDocument as { Statement: { Action: string | string[] }[] };
      const kept = document.Statement.filter(({ Action }) => ![Action].flat().includes(action));
      removed += document.Statement.length - kept.length;
      document.Statement = kept;
    }
    return removed;
  };
}

function withoutVariable(functionId: string, name: string): (template: Template) => number {
  return ({ Resources }) => {
    const found = Object.entries(Resources).find(
      ([id, { Type }]) => Type === 'AWS::Lambda::Function' && id.startsWith(functionId),
    );
    if (!found) return 0;
    const { Variables } = found[1].Properties.Environment as { Variables: Record<string, unknown> };
    if (!(name in Variables)) return 0;
    delete Variables[name];
    return 1;
  };
}

const content = Buffer.from('some content');

test('without the grant to put blocks, the upload is refused, and the log names function, action and remedy', async () => {
  const { signUp, log } = await startWithout(withoutGrant('UploadInit', 's3:PutObject'));
  const user = await signUp();
  await expect(user.save('file.txt', content)).rejects.toThrow('the block store answered 403');
  expect(log.join('\n')).toMatch(/UploadInit.*s3:PutObject/);
});

test('without the grant to connect to the database, the call fails, and the log names it', async () => {
  const { signUp, log } = await startWithout(withoutGrant('Finalize', 'rds-db:connect'));
  const user = await signUp();
  await expect(user.save('file.txt', content)).rejects.toThrow('finalize answered 500');
  expect(log.join('\n')).toMatch(/Finalize.*rds-db:connect/);
});

test('without an environment variable, the call fails, and the log names it', async () => {
  const { signUp, log } = await startWithout(withoutVariable('UploadInit', 'BLOCK_BUCKET'));
  const user = await signUp();
  await expect(user.save('file.txt', content)).rejects.toThrow('upload-init answered 500');
  expect(log.join('\n')).toMatch(/UploadInit.*BLOCK_BUCKET/);
});
