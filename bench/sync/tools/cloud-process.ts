/*
 * The local cloud alone in a process, so that its CPU time is its own: node cloud-process.ts ASSEMBLY DATA PORT. It says
 * where it is, answers each message with what it has counted, and ends when it is told to or the other side is gone.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cloud, startCloud } from '../../../local/cloud/cloud.ts';
import { PASSWORD, type Question, type Reply } from './cloud-messages.ts';
import { countStatements, Statements } from './statements.ts';
import { Traffic } from './traffic.ts';

const [assembly, data, port] = process.argv.slice(2) as [string, string, string];
const log = join(data, 'cloud.log');
const traffic = new Traffic(Number(port));
const starting = start();

async function start(): Promise<{ cloud: Cloud; statements: Statements }> {
  await countStatements(data);
  const write = (line: string) => appendFileSync(log, `${line}\n`);
  const cloud = await startCloud({ assembly, data, port: Number(port), log: write });
  return { cloud, statements: await Statements.open(cloud.services.database) };
}

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  const { cloud, statements } = await starting;
  await statements.close();
  await cloud.stop();
  process.exit();
}

async function answer(question: Question): Promise<Reply> {
  const { cloud, statements } = await starting;
  if (question.ask === 'counters') {
    return { reply: 'counters', counters: { ...traffic.counters(), ...(await statements.counters()) } };
  }
  const { username } = question;
  await cloud.services.createUser(cloud.outputs.UserPoolId!, { username, password: PASSWORD });
  return { reply: 'user' };
}

// Before it has started, too: what runs by then is not left behind.
process.on('SIGTERM', stop);
process.on('disconnect', stop);
process.on('message', async (question: Question) => process.send?.(await answer(question)));
const { cloud } = await starting;
process.send?.({ reply: 'started', api: cloud.urls.api, ca: cloud.ca } satisfies Reply);
