/** Runs the local cloud alone, so that a test can kill it: node cloud-process.ts ASSEMBLY DATA PORT. */
import { startCloud } from '../../local/cloud/cloud.ts';

const [assembly, data, port] = process.argv.slice(2) as [string, string, string];
const cloud = await startCloud({ assembly, data, port: Number(port), log: (line) => console.error(line) });
await cloud.services.createUser(cloud.outputs.UserPoolId!, {
  username: 'demo@tidemark.example',
  password: 'Correct-horse-1',
});
process.on('SIGTERM', () => cloud.stop());
console.log(JSON.stringify({ api: cloud.urls.api, ca: cloud.ca }));
