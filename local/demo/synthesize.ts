import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * Synthesizes the CDK app into `folder` with the pinned CLI, as `cdk synth` does, and without any AWS credentials.
 * `context` goes before that of cdk.json.
 * Throws with what the CLI said when the app does not synthesize.
 */
export async function synthesize(folder: string, context: Readonly<Record<string, string>>): Promise<void> {
  const cdk = join(root, 'node_modules', 'aws-cdk', 'bin', 'cdk');
  const given = Object.entries(context).flatMap(([key, value]) => ['--context', `${key}=${value}`]);
  const child = spawn(process.execPath, [cdk, 'synth', '--quiet', '--output', folder, ...given], {
    cwd: root,
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_'))),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the CDK app does not synthesize (npx cdk synth):\n${said.trim()}`);
}
