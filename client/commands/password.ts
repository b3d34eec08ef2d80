import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ClientError } from '../common/errors.ts';

/** Asks for a password; `what` is what the terminal shows. */
export type Ask = (what: string) => Promise<string>;

/** Passwords in the order of the questions: the lines that are piped in, or what is typed without showing it. */
export function passwords(fromStdin: boolean): Ask {
  if (!fromStdin) return askOnTerminal;
  const piped = text(process.stdin).then((all) => all.split(/\r?\n/));
  let line = 0;
  return async (what) => {
    const password = (await piped)[line++];
    if (password) return password;
    throw new ClientError('usage', `${what} is missing: with --password-stdin it is line ${line} of what is piped in`);
  };
}

/** A new password, typed twice on a terminal. */
export async function newPassword(ask: Ask): Promise<string> {
  const password = await ask('New password');
  if (ask !== askOnTerminal || (await ask('The same again')) === password) return password;
  throw new ClientError('usage', "the two are not the same: run 'tidemark login' again");
}

async function askOnTerminal(what: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new ClientError('usage', 'no terminal to ask for the password: give --password-stdin and pipe it in');
  }
  process.stderr.write(`${what}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
