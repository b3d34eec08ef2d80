import { createInterface } from 'node:readline';
import { createInterface as createTerminal } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ClientError } from '../common/errors.ts';
import type { AuthenticatorKey } from '../service/second-factor.ts';
import type { Person } from '../service/sign-in.ts';

/** Asks for a password or a code; `what` is what the terminal shows. */
export type Ask = (what: string) => Promise<string>;

/** Answers in the order of the questions: the lines that are piped in, or what is typed without showing it. */
export function answers(fromStdin: boolean): Ask {
  return fromStdin ? askStdin() : askOnTerminal;
}

/** Whoever sits at this command, for what a sign-in asks besides the password. */
export function personAt(ask: Ask): Person {
  return {
    newPassword: () => newPassword(ask),
    code: () => ask('Code of your authenticator app'),
    enrol: (key) => enrol(ask, key),
  };
}

/** A new password, typed twice on a terminal. */
async function newPassword(ask: Ask): Promise<string> {
  const password = await ask('New password');
  if (ask !== askOnTerminal || (await ask('The same again')) === password) return password;
  throw new ClientError('usage', "the two are not the same: run 'tidemark login' again");
}

function enrol(ask: Ask, { secret, uri }: AuthenticatorKey): Promise<string> {
  console.error(`Put this key into an authenticator app, as text or by the link below it:\n  ${secret}\n  ${uri}`);
  return ask('The code that it shows');
}

/** Lines are read when they are asked for, since a code may depend on what was shown before. */
function askStdin(): Ask {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let count = 0;
  // A pipe that stays open keeps no command from its end.
  const pipe = process.stdin as { ref?(): unknown; unref?(): unknown };
  return async (what) => {
    pipe.ref?.();
    const { value: line } = await lines.next();
    pipe.unref?.();
    count += 1;
    if (line) return line;
    throw new ClientError('usage', `${what} is missing: with --password-stdin it is line ${count} of what is piped in`);
  };
}

async function askOnTerminal(what: string): Promise<string> {
  if (!process.stdin.isTTY) {
    throw new ClientError('usage', `no terminal to ask on (${what}): give --password-stdin and pipe it in`);
  }
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  // From here on what is typed is not shown, however soon it comes.
  const lines = createTerminal({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(`${what}: `);
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
