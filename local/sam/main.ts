/* `npm run sam`: one function with one event against a cloud that runs, and SAM CLI's check of the templates. */

import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { invoke } from './invoke.ts';

const help = `Runs one function with one event against a running 'npm start'.

  npm run sam -- invoke upload-init                 with test/events/upload-init.json
  npm run sam -- invoke upload-init --event FILE
  npm run sam -- validate                           SAM CLI's check of every synthesized template

  --data DIR    data folder of the running npm start (default: tidemark-data)

'invoke' runs the bundle in a process like those of the local cloud; 'validate' needs SAM CLI.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    event: { type: 'string' },
    data: { type: 'string', default: 'tidemark-data' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const [command, folder] = positionals;
const assembly = resolve(values.data, 'cdk.out');

if (command === 'invoke' && folder !== undefined) {
  const event = values.event ?? join(import.meta.dirname, '../../test/events', `${folder}.json`);
  const data = resolve(values.data, 'cloud');
  process.exitCode = await invoke({ folder, event, data }, console.log).catch((error: Error) => {
    console.error(error.message);
    return 1;
  });
} else if (command === 'validate') {
  process.exitCode = validate();
} else {
  console.log(help);
  process.exitCode = values.help ? 0 : 2;
}

function validate(): number {
  const templates = globSync('*.template.json', { cwd: assembly });
  if (templates.length === 0) console.error(`${assembly} holds no template: start npm start first`);
  const codes = templates.map((name) => {
    const words = ['validate', '--template', join(assembly, name), '--region', 'us-east-1'];
    const { status, error } = spawnSync('sam', words, { stdio: 'inherit' });
    if (error) console.error(`sam does not start: ${error.message}`);
    return status ?? 1;
  });
  return templates.length > 0 && codes.every((code) => code === 0) ? 0 : 1;
}
